package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
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
func (l *lateIndex) Ensure(ctx context.Context, key search.Key) error {
	return l.do(func(i search.Index) error { return i.Ensure(ctx, key) })
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

// indexerIndex shows the index to the indexer.
type indexerIndex struct {
	index  search.Index
	models *models
	store  *database.Store // knows the dimension of models that are not loaded
}

// Ensure implements indexer.Index.
func (a indexerIndex) Ensure(ctx context.Context, collection, fingerprint string, dimension int) error {
	key := search.Key{Collection: collection, Fingerprint: fingerprint, Dimension: dimension}
	return forIndexer(a.index.Ensure(ctx, key))
}

// Upsert implements indexer.Index.
func (a indexerIndex) Upsert(ctx context.Context, collection, fingerprint string, rows []indexer.Row) error {
	if len(rows) == 0 {
		return nil
	}
	key := search.Key{Collection: collection, Fingerprint: fingerprint, Dimension: len(rows[0].Vector)}
	converted := make([]search.Row, len(rows))
	for i, row := range rows {
		converted[i] = search.Row(row)
	}
	return forIndexer(a.index.Upsert(ctx, key, converted))
}

// Delete implements indexer.Index.
func (a indexerIndex) Delete(ctx context.Context, collection, fingerprint string, ids []string) error {
	key, err := a.key(ctx, collection, fingerprint)
	if err != nil {
		return err
	}
	return forIndexer(a.index.Delete(ctx, key, ids))
}

// IDs implements indexer.Index.
func (a indexerIndex) IDs(ctx context.Context, collection, fingerprint string, yield func(string) error) error {
	key, err := a.key(ctx, collection, fingerprint)
	if err != nil {
		return err
	}
	return forIndexer(a.index.IDs(ctx, key, yield))
}

// Drop implements indexer.Index.
func (a indexerIndex) Drop(ctx context.Context, collection, fingerprint string) error {
	key, err := a.key(ctx, collection, fingerprint)
	if err != nil {
		return err
	}
	return forIndexer(a.index.Drop(ctx, key))
}

// key completes a name with the length of the model's vectors. Of another model
// that has given no vector there is nothing to ask or to keep: any length does.
func (a indexerIndex) key(ctx context.Context, collection, fingerprint string) (search.Key, error) {
	if dimension, loaded := a.models.dimension(fingerprint); loaded {
		return search.Key{Collection: collection, Fingerprint: fingerprint, Dimension: dimension}, nil
	}
	dimension, err := a.store.Dimension(ctx, fingerprint)
	if errors.Is(err, catalog.ErrNotFound) {
		dimension, err = 1, nil
	}
	return search.Key{Collection: collection, Fingerprint: fingerprint, Dimension: dimension}, err
}

// forIndexer marks what may succeed later, so that the indexer tries again.
func forIndexer(err error) error {
	if errors.Is(err, search.ErrUnavailable) {
		return fmt.Errorf("%w: %w", indexer.ErrIndexUnavailable, err)
	}
	return err
}
