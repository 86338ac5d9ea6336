package web

import (
	"context"
	"sync"
)

// budget is the bytes of request bodies that all may hold together. The requests of one key
// leave a quarter to others, but for a single one, which may have it all.
type budget struct {
	most int64

	mu    sync.Mutex
	taken int64
	ofKey map[string]int64 // by ID
}

func newBudget(most int64) *budget { return &budget{most: most, ofKey: make(map[string]int64)} }

// held counts what one request holds of a budget.
type held struct {
	budget *budget
	key    string // empty: none
	bytes  int64
}

// hold begins to count what the request of a context holds.
func (b *budget) hold(ctx context.Context) held {
	h := held{budget: b}
	if who := callerOf(ctx).rights; who != nil {
		h.key = who.key.ID
	}
	return h
}

// take is false when there is no room now.
func (h *held) take(bytes int64) bool {
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.ofKey[h.key]
	if b.taken+bytes > b.most || h.key != "" && own > h.bytes && own+bytes > b.most*3/4 {
		return false
	}
	b.taken += bytes
	h.bytes += bytes
	b.ofKey[h.key] += bytes
	return true
}

func (h *held) give(bytes int64) {
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= bytes
	h.bytes -= bytes
	if b.ofKey[h.key] -= bytes; b.ofKey[h.key] == 0 {
		delete(b.ofKey, h.key)
	}
}

func (h *held) giveBack() { h.give(h.bytes) }
