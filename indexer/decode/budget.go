package decode

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Budget bounds the memory of decoders that run at the same time, including those
// that a deadline has left behind, of pictures until they are released, and of what both
// leave until Go has collected it. A decoder waits for its worst case to fit, as long as
// it may then decode.
//
// Go by itself lets garbage grow to the size of what is in use, which would be as much as
// the budget once more. A budget has it collected before it gives the memory to others,
// but only when somebody waits for it, and a quarter of the budget at a time: that is
// rare beside the work of decoding so much, however large the rest of the heap.
type Budget struct {
	bytes   int64
	free    *semaphore.Weighted
	collect func() // runtime.GC; tests count its calls

	mu         sync.Mutex
	held       int64 // by those who have not given it back
	garbage    int64 // given back, and not collected yet
	waiting    int   // calls of take
	collecting bool
}

// NewBudget returns a budget of so many bytes. A picture that needs more than that is
// decoded alone.
func NewBudget(bytes int64) *Budget {
	return &Budget{bytes: bytes, free: semaphore.NewWeighted(bytes), collect: runtime.GC}
}

// take waits for memory and returns the function that gives it back.
func (b *Budget) take(ctx context.Context, bytes int64) (func(), error) {
	if b == nil {
		return func() {}, nil
	}
	n := min(bytes, b.bytes)
	if !b.free.TryAcquire(n) {
		b.wait(1)
		err := b.free.Acquire(ctx, n)
		b.wait(-1)
		if err != nil {
			return nil, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += n
	return func() { b.giveBack(n) }, nil
}

func (b *Budget) wait(more int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting += more
	b.collectWhenDue()
}

func (b *Budget) giveBack(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	b.garbage += n
	b.collectWhenDue()
}

// due reports whether somebody waits for what a collection would free: much of the budget,
// or all that will ever be given back.
func (b *Budget) due() bool {
	return b.waiting > 0 && b.garbage > 0 && (b.garbage >= b.bytes/4 || b.held == 0)
}

// collectWhenDue is called with the lock held.
func (b *Budget) collectWhenDue() {
	if b.due() && !b.collecting {
		b.collecting = true
		go b.collectAll()
	}
}

// collectAll collects until it is not due any more.
func (b *Budget) collectAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.due() {
		collected := b.garbage
		b.garbage = 0
		b.mu.Unlock()
		b.collect()
		b.free.Release(collected)
		b.mu.Lock()
	}
	b.collecting = false
}
