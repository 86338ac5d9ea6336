package decode

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"
)

// What a deadline leaves behind still counts against the budget, and ends.
func TestBudget(t *testing.T) {
	budget := NewBudget(1 << 20)
	data := encoded(t, "png", image.NewGray(image.Rect(0, 0, 4000, 4000)))
	var err error
	for timeout := 10 * time.Millisecond; err == nil; timeout /= 2 { // until it is too short for this machine
		_, _, err = Bytes(t.Context(), "a", data, Limits{Timeout: timeout, Budget: budget})
	}
	small := encoded(t, "png", gradient(8, 8))
	if _, _, err := Bytes(t.Context(), "b", small, Limits{Budget: budget}); err != nil {
		t.Errorf("the budget is not given back: %v", err)
	}
	release, err := budget.take(t.Context(), 1<<30) // more than all of it: waits for all of it
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	_, _, err = Bytes(t.Context(), "c", small, Limits{Timeout: 20 * time.Millisecond, Budget: budget})
	var e *Error
	if !errors.As(err, &e) || e.Reason != TimedOut {
		t.Errorf("%v, want %q", err, TimedOut)
	}
}

// whole takes all of a budget that nobody holds any of.
func whole(t *testing.T, budget *Budget) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	release, err := budget.take(ctx, budget.bytes)
	if err == nil {
		release()
	}
	return err
}

func TestPictureHoldsItsBudget(t *testing.T) {
	budget := NewBudget(1 << 20)
	picture, err := new(Decoder).Decode(t.Context(), NewContent("a", encoded(t, "png", gradient(8, 8))), nil, Limits{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	if whole(t, budget) == nil {
		t.Error("the memory of a picture in use was given away")
	}
	picture.Release()
	if err := whole(t, budget); err != nil {
		t.Errorf("a released picture keeps its memory: %v", err)
	}
}

func TestPanicGivesBudgetBack(t *testing.T) {
	broken := codec{
		name:   "png",
		config: func(task) (image.Config, error) { return image.Config{Width: 9, Height: 9}, nil },
		decode: func(task) (image.Image, error) { panic("boom") },
	}
	budget := NewBudget(1 << 20)
	decoding := task{decoder: new(Decoder), codec: broken, ctx: t.Context(), limits: Limits{Budget: budget}.withDefaults()}
	if _, err := within(t.Context(), decoding.run, func(picture) {}); err == nil {
		t.Error("no error")
	}
	if err := whole(t, budget); err != nil {
		t.Error(err)
	}
}

func TestLateResultIsDiscarded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	discarded := make(chan int)
	_, err := within(ctx, func() (int, error) {
		cancel()
		time.Sleep(time.Millisecond) // the caller leaves meanwhile
		return 7, nil
	}, func(value int) { discarded <- value })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if value := <-discarded; value != 7 {
		t.Errorf("discarded %d", value)
	}
}
