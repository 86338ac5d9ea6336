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
