// Package exact is a search.Index in memory that compares every row: the
// oracle that approximate indexes are measured against, and enough for tests.
// It keeps nothing on disk and is no substitute for Milvus beyond some
// thousands of rows.
package exact

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"polylens/indexer/catalog"
	"polylens/internal/text"
	"polylens/search"
)

// Index implements search.Index. The zero value is not usable: see New.
type Index struct {
	mu     sync.RWMutex
	stores map[search.Key]*store
	active map[catalog.CollectionID]search.Key
}

type store struct {
	dimension int
	rows      map[string]search.Row
}

var _ search.Index = (*Index)(nil)

// New returns an empty index.
func New() *Index {
	return &Index{stores: map[search.Key]*store{}, active: map[catalog.CollectionID]search.Key{}}
}

// Ensure implements search.Index.
func (x *Index) Ensure(ctx context.Context, key search.Key, dimension int) error {
	if key.Collection == "" || key.Fingerprint == "" {
		return fmt.Errorf("prepare an index: incomplete key %+v", key)
	}
	if dimension < 1 {
		return fmt.Errorf("prepare the index of collection %q: vectors of %d numbers", key.Collection, dimension)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if existing, ok := x.stores[key]; ok && existing.dimension != dimension {
		return fmt.Errorf("prepare the index of collection %q: it holds vectors of %d numbers, want %d",
			key.Collection, existing.dimension, dimension)
	} else if !ok {
		x.stores[key] = &store{dimension: dimension, rows: map[string]search.Row{}}
	}
	if _, ok := x.active[key.Collection]; !ok {
		x.active[key.Collection] = key
	}
	return ctx.Err()
}

// find needs the lock.
func (x *Index) find(key search.Key) (*store, error) {
	found, ok := x.stores[key]
	if !ok {
		return nil, fmt.Errorf("%w: %q with model %s", catalog.ErrCollectionNotFound, key.Collection, key.Fingerprint)
	}
	return found, nil
}

// Upsert implements search.Index. An error changes nothing.
func (x *Index) Upsert(ctx context.Context, key search.Key, rows []search.Row) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	found, err := x.find(key)
	if err != nil {
		return err
	}
	checked := make(map[string]search.Row, len(rows))
	for _, row := range rows {
		if _, twice := checked[row.ID]; twice {
			return fmt.Errorf("upsert into collection %q: ID %q occurs twice", key.Collection, row.ID)
		}
		if checked[row.ID], err = check(row, found.dimension); err != nil {
			return fmt.Errorf("upsert into collection %q: ID %q: %w", key.Collection, row.ID, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	maps.Copy(found.rows, checked)
	return nil
}

// check returns a copy of a valid row, its metadata as JSON gives it back.
func check(row search.Row, dimension int) (search.Row, error) {
	if len(row.ID) < 1 || len(row.ID) > 64 {
		return row, fmt.Errorf("it has %d bytes, 1 to 64 are allowed", len(row.ID))
	}
	if !utf8.ValidString(row.ID) || strings.ContainsRune(row.ID, 0) {
		return row, errors.New("it is not valid UTF-8 without zero characters")
	}
	if err := checkVector(row.Vector, dimension); err != nil {
		return row, err
	}
	form, err := json.Marshal(row.Metadata)
	if err != nil {
		return row, fmt.Errorf("metadata: %w", err)
	}
	if row.Metadata, err = text.StoredObject(form); err != nil {
		return row, fmt.Errorf("metadata: %w", err)
	}
	row.Vector = slices.Clone(row.Vector)
	return row, nil
}

func checkVector(vector []float32, dimension int) error {
	if len(vector) != dimension {
		return fmt.Errorf("the vector has %d numbers, the collection's have %d", len(vector), dimension)
	}
	for _, v := range vector {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("the vector holds %v", v)
		}
	}
	return nil
}

// Count implements search.Index.
func (x *Index) Count(_ context.Context, key search.Key) (int, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	found, err := x.find(key)
	if err != nil {
		return 0, err
	}
	return len(found.rows), nil
}

// Delete implements search.Index.
func (x *Index) Delete(ctx context.Context, key search.Key, ids []string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	found, err := x.find(key)
	if err != nil {
		return err
	}
	for _, id := range ids {
		delete(found.rows, id)
	}
	return ctx.Err()
}

// IDs implements search.Index.
func (x *Index) IDs(ctx context.Context, key search.Key, yield func(id string) error) error {
	x.mu.RLock()
	found, err := x.find(key)
	if err != nil {
		x.mu.RUnlock()
		return err
	}
	ids := slices.Sorted(maps.Keys(found.rows))
	x.mu.RUnlock() // yield may call us
	for _, id := range ids {
		if err := cmp.Or(ctx.Err(), yield(id)); err != nil {
			return err
		}
	}
	return nil
}

// Rows implements search.Index.
func (x *Index) Rows(ctx context.Context, key search.Key, ids []string) ([]search.Row, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	found, err := x.find(key)
	if err == nil {
		err = search.CheckRows(ids)
	}
	if err != nil {
		return nil, err
	}
	var rows []search.Row
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if row, ok := found.rows[id]; ok {
			row.Vector, row.Metadata = slices.Clone(row.Vector), maps.Clone(row.Metadata)
			rows = append(rows, row)
		}
	}
	return rows, ctx.Err()
}

// Search implements search.Index.
func (x *Index) Search(ctx context.Context, collection catalog.CollectionID, query search.Query) ([]search.Match, error) {
	if query.Limit < 1 || query.Limit > search.MaxLimit {
		return nil, fmt.Errorf("search collection %q: limit %d: 1 to %d are allowed", collection, query.Limit, search.MaxLimit)
	}
	if err := search.CheckFilter(query.Filter); err != nil {
		return nil, fmt.Errorf("search collection %q: %w", collection, err)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	found, ok := x.stores[x.active[collection]]
	if !ok {
		return nil, fmt.Errorf("search: %w: %q", catalog.ErrCollectionNotFound, collection)
	}
	if err := checkVector(query.Vector, found.dimension); err != nil {
		return nil, fmt.Errorf("search collection %q: %w", collection, err)
	}
	var best []search.Match
	for id, row := range found.rows {
		if query.Filter == nil || query.Filter.Matches(row.Metadata) {
			best = keep(best, query.Limit, search.Match{ID: id, Score: dot(query.Vector, row.Vector)})
		}
	}
	return best, ctx.Err()
}

// keep inserts a match into a list of the limit best, in order.
func keep(best []search.Match, limit int, match search.Match) []search.Match {
	if len(best) == limit && compare(match, best[limit-1]) > 0 {
		return best
	}
	at, _ := slices.BinarySearchFunc(best, match, compare)
	best = slices.Insert(best, at, match)
	return best[:min(limit, len(best))]
}

// compare orders matches: higher score first, then lower ID.
func compare(a, b search.Match) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
}

// dot is the inner product of two vectors of one length, summed in four
// strands: one strand would wait for each addition.
func dot(a, b []float32) float32 {
	var sums [4]float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		sums[0] += a[i] * b[i]
		sums[1] += a[i+1] * b[i+1]
		sums[2] += a[i+2] * b[i+2]
		sums[3] += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		sums[0] += a[i] * b[i]
	}
	return sums[0] + sums[1] + sums[2] + sums[3]
}

// Activate implements search.Index.
func (x *Index) Activate(ctx context.Context, key search.Key) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.find(key); err != nil {
		return err
	}
	x.active[key.Collection] = key
	return ctx.Err()
}

// Drop implements search.Index.
func (x *Index) Drop(ctx context.Context, key search.Key) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.stores, key)
	if x.active[key.Collection] == key {
		delete(x.active, key.Collection)
	}
	return ctx.Err()
}

// Flush implements search.Index: there is no disk.
func (x *Index) Flush(ctx context.Context) error { return ctx.Err() }

// Ready implements search.Index.
func (x *Index) Ready(ctx context.Context) error { return ctx.Err() }
