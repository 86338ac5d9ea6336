package decode

import (
	"context"
	"errors"
	"image"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a task whose decoder takes so long, unless its context ends before.
func slow(ctx *clock, takes time.Duration, limits Limits) task {
	return task{decoder: new(Decoder), ctx: ctx, clock: ctx, limits: limits.withDefaults(), codec: codec{
		name:   "png",
		config: func(task) (image.Config, error) { return image.Config{Width: 9, Height: 9}, nil },
		decode: func(t task) (image.Image, error) {
			select {
			case <-t.ctx.Done():
				return nil, t.ctx.Err()
			case <-time.After(takes):
				return image.NewNRGBA(image.Rect(0, 0, 9, 9)), nil
			}
		},
	}}
}

// Who waited for memory has all of the time to decode.
func TestTimeBeginsWithMemory(t *testing.T) {
	for takes, want := range map[time.Duration]error{20 * time.Second: nil, 31 * time.Second: context.DeadlineExceeded} {
		synctest.Test(t, func(t *testing.T) {
			budget := NewBudget(1 << 20)
			budget.collect = func() {}
			release, err := budget.take(t.Context(), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(25*time.Second, release)
			ctx := newClock(t.Context(), 30*time.Second)
			defer ctx.stop()
			p, err := slow(ctx, takes, Limits{Budget: budget}).run()
			if !errors.Is(err, want) {
				t.Errorf("one that takes %s: %v, want %v", takes, err, want)
			}
			if ctx.keptWaiting() {
				t.Errorf("one that takes %s is said to wait for memory still", takes)
			}
			if err == nil {
				p.release()
			}
		})
	}
}

// TestOneTimeForAllDecoders: a picture that one decoder after another tries has no more
// time to be decoded, nor to wait for memory, than any other.
func TestOneTimeForAllDecoders(t *testing.T) {
	for _, test := range []struct {
		what            string
		waits, takes    time.Duration // each time
		want            []error
		waitsAtTheirEnd bool
	}{
		{"quick", 5 * time.Second, 5 * time.Second, []error{nil, nil, nil}, false},
		{"slow to decode", time.Second, 20 * time.Second, []error{nil, context.DeadlineExceeded}, false},
		{"kept waiting", 20 * time.Second, time.Second, []error{nil, context.DeadlineExceeded}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			budget := NewBudget(1 << 20)
			budget.collect = func() {}
			ctx := newClock(t.Context(), 30*time.Second)
			defer ctx.stop()
			for i, want := range test.want {
				others, err := budget.take(t.Context(), 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(test.waits, others)
				p, err := slow(ctx, test.takes, Limits{Budget: budget}).run()
				if !errors.Is(err, want) {
					t.Errorf("%s: the %d. decoder: %v, want %v", test.what, i+1, err, want)
				}
				if err == nil {
					p.release()
				}
			}
			if ctx.keptWaiting() != test.waitsAtTheirEnd {
				t.Errorf("%s: it is said to wait for memory: %v", test.what, ctx.keptWaiting())
			}
			time.Sleep(test.waits)
		})
	}
}

func TestClockEndsWithItsCaller(t *testing.T) {
	reason := errors.New("a reason")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := newClock(ctx, time.Hour)
	defer c.stop()
	if c.Err() != nil {
		t.Error(c.Err())
	}
	cancel(reason)
	<-c.Done()
	if !errors.Is(c.Err(), context.Canceled) || c.keptWaiting() {
		t.Errorf("got %v", c.Err())
	}
}
