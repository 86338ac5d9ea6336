package late

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"polylens/indexer/catalog"
	"polylens/search"
)

// Index passes calls to the index that was set. Until Set every call fails with
// search.ErrUnavailable. Calls may come from many goroutines at once.
type Index struct {
	mu     sync.RWMutex
	reason error
	index  search.Index
}

var _ search.Index = (*Index)(nil)

// New returns an Index that has none yet. reason says in errors why, as in "Milvus is
// starting".
func New(reason string) *Index { return &Index{reason: errors.New(reason)} }

// Wait says why there is still no index.
func (l *Index) Wait(reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reason = reason
}

// Set makes every later call go to index, in place of the one set before.
func (l *Index) Set(index search.Index) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index = index
}

// Get returns the index that was set last, or search.ErrUnavailable.
func (l *Index) Get() (search.Index, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.index == nil {
		return nil, fmt.Errorf("%w: %v", search.ErrUnavailable, l.reason) // whatever the reason is, the index is unavailable
	}
	return l.index, nil
}

// do runs call on the index once there is one.
func (l *Index) do(call func(search.Index) error) error {
	index, err := l.Get()
	if err != nil {
		return err
	}
	return call(index)
}

// Ensure implements search.Index.
func (l *Index) Ensure(ctx context.Context, key search.Key, dimension int) error {
	return l.do(func(i search.Index) error { return i.Ensure(ctx, key, dimension) })
}

// Upsert implements search.Index.
func (l *Index) Upsert(ctx context.Context, key search.Key, rows []search.Row) error {
	return l.do(func(i search.Index) error { return i.Upsert(ctx, key, rows) })
}

// Delete implements search.Index.
func (l *Index) Delete(ctx context.Context, key search.Key, ids []string) error {
	return l.do(func(i search.Index) error { return i.Delete(ctx, key, ids) })
}

// Count implements search.Index.
func (l *Index) Count(ctx context.Context, key search.Key) (count int, err error) {
	err = l.do(func(i search.Index) error { count, err = i.Count(ctx, key); return err })
	return count, err
}

// IDs implements search.Index.
func (l *Index) IDs(ctx context.Context, key search.Key, yield func(string) error) error {
	return l.do(func(i search.Index) error { return i.IDs(ctx, key, yield) })
}

// Rows implements search.Index.
func (l *Index) Rows(ctx context.Context, key search.Key, ids []string) (rows []search.Row, err error) {
	err = l.do(func(i search.Index) error { rows, err = i.Rows(ctx, key, ids); return err })
	return rows, err
}

// Search implements search.Index.
func (l *Index) Search(ctx context.Context, collection catalog.CollectionID, query search.Query) ([]search.Match, error) {
	index, err := l.Get()
	if err != nil {
		return nil, err
	}
	return index.Search(ctx, collection, query)
}

// Activate implements search.Index.
func (l *Index) Activate(ctx context.Context, key search.Key) error {
	return l.do(func(i search.Index) error { return i.Activate(ctx, key) })
}

// Drop implements search.Index.
func (l *Index) Drop(ctx context.Context, key search.Key) error {
	return l.do(func(i search.Index) error { return i.Drop(ctx, key) })
}

// Flush implements search.Index.
func (l *Index) Flush(ctx context.Context) error {
	return l.do(func(i search.Index) error { return i.Flush(ctx) })
}

// Ready implements search.Index.
func (l *Index) Ready(ctx context.Context) error {
	return l.do(func(i search.Index) error { return i.Ready(ctx) })
}
