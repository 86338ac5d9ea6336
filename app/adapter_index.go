package main

import (
	"context"
	"fmt"
	"sync"

	"polylens/search"
)

// lateIndex is an index whose server is still starting: until set is called
// every call is search.ErrUnavailable.
type lateIndex struct {
	mu    sync.RWMutex
	index search.Index
}

func (l *lateIndex) set(index search.Index) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index = index
}

func (l *lateIndex) get() (search.Index, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.index == nil {
		return nil, fmt.Errorf("%w: Milvus is starting", search.ErrUnavailable)
	}
	return l.index, nil
}

// do runs call on the index once there is one.
func (l *lateIndex) do(call func(search.Index) error) error {
	index, err := l.get()
	if err != nil {
		return err
	}
	return call(index)
}

// Ensure implements search.Index, as do the methods below.
func (l *lateIndex) Ensure(ctx context.Context, key search.Key, dimension int) error {
	return l.do(func(i search.Index) error { return i.Ensure(ctx, key, dimension) })
}

// Upsert implements search.Index.
func (l *lateIndex) Upsert(ctx context.Context, key search.Key, rows []search.Row) error {
	return l.do(func(i search.Index) error { return i.Upsert(ctx, key, rows) })
}

// Delete implements search.Index.
func (l *lateIndex) Delete(ctx context.Context, key search.Key, ids []string) error {
	return l.do(func(i search.Index) error { return i.Delete(ctx, key, ids) })
}

// IDs implements search.Index.
func (l *lateIndex) IDs(ctx context.Context, key search.Key, yield func(string) error) error {
	return l.do(func(i search.Index) error { return i.IDs(ctx, key, yield) })
}

// Search implements search.Index.
func (l *lateIndex) Search(ctx context.Context, collection string, query search.Query) ([]search.Match, error) {
	index, err := l.get()
	if err != nil {
		return nil, err
	}
	return index.Search(ctx, collection, query)
}

// Activate implements search.Index.
func (l *lateIndex) Activate(ctx context.Context, key search.Key) error {
	return l.do(func(i search.Index) error { return i.Activate(ctx, key) })
}

// Drop implements search.Index.
func (l *lateIndex) Drop(ctx context.Context, key search.Key) error {
	return l.do(func(i search.Index) error { return i.Drop(ctx, key) })
}

// Flush implements search.Index.
func (l *lateIndex) Flush(ctx context.Context) error {
	return l.do(func(i search.Index) error { return i.Flush(ctx) })
}

// Ready implements search.Index.
func (l *lateIndex) Ready(ctx context.Context) error {
	return l.do(func(i search.Index) error { return i.Ready(ctx) })
}
