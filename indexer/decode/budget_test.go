package decode

import (
	"context"
	"errors"
	"image"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
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
	if !errors.As(err, &e) || e.Reason != Busy || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %q", err, Busy)
	}
	ended, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := Bytes(ended, "d", small, Limits{Budget: budget}); !errors.As(err, &e) || e.Reason != Busy {
		t.Errorf("%v, want %q also when it is the caller's time that ends", err, Busy)
	}
	cancel()
	gone, leave := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, leave)
	if _, _, err := Bytes(gone, "e", small, Limits{Budget: budget}); !errors.As(err, &e) || e.Reason != Stopped {
		t.Errorf("%v, want %q once the caller has gone", err, Stopped)
	}
}

// A late decoder that has its memory is slow, not kept waiting.
func TestSlowIsNotBusy(t *testing.T) {
	data := encoded(t, "png", image.NewGray(image.Rect(0, 0, 4000, 4000)))
	var err error
	for timeout := 10 * time.Millisecond; err == nil; timeout /= 2 {
		_, _, err = Bytes(t.Context(), "a", data, Limits{Timeout: timeout, Budget: NewBudget(1 << 30)})
	}
	var e *Error
	if !errors.As(err, &e) || e.Reason != TimedOut {
		t.Errorf("%v, want %q", err, TimedOut)
	}
}

// Memory that was given back is given to others once it has been collected, and nothing is
// collected while nobody waits.
func TestBudgetCollects(t *testing.T) {
	var collections atomic.Int64
	budget := NewBudget(100)
	budget.collect = func() { collections.Add(1) }
	take := func(n int64) func() {
		t.Helper()
		release, err := budget.take(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return release
	}
	one, two := take(60), take(40)
	one()
	two()
	if n := collections.Load(); n != 0 {
		t.Errorf("%d collections while nobody waits", n)
	}
	take(10)()
	if n := collections.Load(); n != 1 {
		t.Errorf("%d collections before what was given back is taken, want 1", n)
	}
}

// However many small pictures are decoded, a collection comes with each quarter of the
// budget at most: a heap that takes long to look through, as that of a training may, must
// not be looked through all the time.
func TestBudgetCollectsRarely(t *testing.T) {
	const calls, size, bytes = 20_000, 10, 1000
	var collections atomic.Int64
	budget := NewBudget(bytes)
	budget.collect = func() { collections.Add(1) }
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			keep, err := budget.take(t.Context(), size) // so that never all is given back
			if err != nil {
				t.Error(err)
				return
			}
			defer keep()
			for range calls / 4 {
				release, err := budget.take(t.Context(), size)
				if err != nil {
					t.Error(err)
					return
				}
				release()
			}
		})
	}
	callers.Wait()
	// The last to leave has its own memory yet, so that garbage alone makes one due.
	if got, most := collections.Load(), int64(calls*size/(bytes/4)); got == 0 || got > most {
		t.Errorf("%d collections, want 1 to %d", got, most)
	}
}

// TestGarbageCounts decodes one picture after the other beside a large heap, which lets Go
// leave as much again uncollected.
func TestGarbageCounts(t *testing.T) {
	const others, budgetBytes = 512 << 20, 128 << 20
	heap := make([]byte, others)
	runtime.GC()
	data := encoded(t, "png", image.NewNRGBA(image.Rect(0, 0, 3000, 2000)))
	decoder, limits, before := new(Decoder), Limits{Budget: NewBudget(budgetBytes)}, heapBytes()
	var most atomic.Uint64
	var decoders sync.WaitGroup
	for range 2 {
		decoders.Go(func() {
			for range 20 {
				picture, err := decoder.Decode(t.Context(), NewContent("a", data), nil, limits)
				if err != nil {
					t.Error(err)
					return
				}
				for now, seen := heapBytes(), most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				picture.Release()
			}
		})
	}
	decoders.Wait()
	if grown := int64(most.Load()) - int64(before); grown > 2*budgetBytes {
		t.Errorf("decoding within %d MiB let the heap grow by %d MiB", budgetBytes>>20, grown>>20)
	}
	runtime.KeepAlive(heap)
}

// heapBytes is what objects and garbage take.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// whileCollected is longer than collections take.
const whileCollected = 2 * time.Second

// whole takes all of a budget that nobody holds any of.
func whole(t *testing.T, budget *Budget) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), whileCollected)
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
