package indexer

import (
	"sync"

	"polylens/indexer/catalog"
)

// endings are the collections that are being deleted. The zero value is ready.
type endings struct {
	mu  sync.Mutex
	ids map[catalog.CollectionID]bool
}

// begin notes that a collection is being deleted, until end is called.
func (e *endings) begin(id catalog.CollectionID) (end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ids == nil {
		e.ids = make(map[catalog.CollectionID]bool)
	}
	e.ids[id] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.ids, id)
	}
}

// Deleting reports whether a collection is being deleted by this process: its index goes
// first, and it is in the catalogue for a moment longer.
func (ix *Indexer) Deleting(id catalog.CollectionID) bool {
	ix.ending.mu.Lock()
	defer ix.ending.mu.Unlock()
	return ix.ending.ids[id]
}
