package milvus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"polylens/indexer/catalog"
	"polylens/search"
)

const (
	// batchBytes of vectors and metadata go into one call: Milvus takes 64 MB.
	batchBytes  = 24 << 20
	deleteBatch = 2000
	idPage      = 10000
	// tieMargin more matches than asked for are fetched, so that equal scores
	// at the end of the list can be told apart by ID.
	tieMargin = 16
)

// batch is the columns of one upsert.
type batch struct {
	ids      []string
	vectors  [][]float32
	metadata [][]byte
	bytes    int
}

// Upsert implements search.Index. An error leaves some batches of rows
// written; repeating the call is safe.
func (i *Index) Upsert(ctx context.Context, key search.Key, rows []search.Row) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	dimension, err := i.dimensionOf(ctx, key)
	if err != nil {
		return i.explain(ctx, err, "upsert %d rows into collection %q", len(rows), key.Collection)
	}
	batches, err := batchesOf(rows, dimension)
	if err != nil {
		return fmt.Errorf("upsert into collection %q: %w", key.Collection, err)
	}
	for _, batch := range batches {
		if err := i.upsertBatch(ctx, collectionName(key), batch); err != nil {
			return i.explain(ctx, err, "upsert %d rows into collection %q", len(batch.ids), key.Collection)
		}
	}
	return nil
}

func (i *Index) upsertBatch(ctx context.Context, name string, batch batch) error {
	ctx, stamp := withStamp(ctx)
	i.markUnsaved(name)
	// Upsert and never Insert, which keeps both rows of one ID.
	_, err := i.sdk.Upsert(ctx, name, "",
		entity.NewColumnVarChar(idField, batch.ids),
		entity.NewColumnFloatVector(vectorField, len(batch.vectors[0]), batch.vectors),
		entity.NewColumnJSONBytes(metadataField, batch.metadata))
	if err == nil {
		i.clock.wrote(name, *stamp)
	}
	return err
}

// batchesOf checks every row before the first is sent.
func batchesOf(rows []search.Row, dimension int) ([]batch, error) {
	seen := make(map[string]bool, len(rows))
	var batches []batch
	current := batch{}
	for _, row := range rows {
		if seen[row.ID] {
			return nil, fmt.Errorf("ID %q occurs twice", row.ID)
		}
		seen[row.ID] = true
		metadata, err := checkRow(row, dimension)
		if err != nil {
			return nil, err
		}
		size := len(row.ID) + 4*len(row.Vector) + len(metadata)
		if current.bytes+size > batchBytes && len(current.ids) > 0 {
			batches, current = append(batches, current), batch{}
		}
		current.ids = append(current.ids, row.ID)
		current.vectors = append(current.vectors, row.Vector)
		current.metadata = append(current.metadata, metadata)
		current.bytes += size
	}
	if len(current.ids) > 0 {
		batches = append(batches, current)
	}
	return batches, nil
}

// checkRow refuses what Milvus would refuse less clearly, or store wrongly.
// It returns the metadata as JSON.
func checkRow(row search.Row, dimension int) ([]byte, error) {
	if row.ID == "" || len(row.ID) > longestID {
		return nil, fmt.Errorf("ID %q has %d bytes: 1 to %d are allowed", row.ID, len(row.ID), longestID)
	}
	if _, err := quote(row.ID); err != nil {
		return nil, fmt.Errorf("ID %q: %w", row.ID, err)
	}
	if err := checkVector(row.Vector, dimension); err != nil {
		return nil, fmt.Errorf("ID %q: %w", row.ID, err)
	}
	if row.Metadata == nil {
		return []byte("{}"), nil
	}
	metadata, err := json.Marshal(row.Metadata)
	if err != nil {
		return nil, fmt.Errorf("ID %q: metadata: %w", row.ID, err)
	}
	if len(metadata) > longestMetadata {
		return nil, fmt.Errorf("ID %q: metadata of %d bytes: at most %d are allowed", row.ID, len(metadata), longestMetadata)
	}
	return metadata, nil
}

func checkVector(vector []float32, dimension int) error {
	if len(vector) != dimension {
		return fmt.Errorf("the vector has %d numbers, the collection's have %d", len(vector), dimension)
	}
	for _, x := range vector {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("the vector holds %v", x)
		}
	}
	return nil
}

// Delete implements search.Index.
func (i *Index) Delete(ctx context.Context, key search.Key, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	name := collectionName(key)
	for part := range slices.Chunk(ids, deleteBatch) {
		expression, err := idsExpression(part)
		if err != nil {
			return fmt.Errorf("delete from collection %q: %w", key.Collection, err)
		}
		ctx, stamp := withStamp(ctx)
		i.markUnsaved(name)
		if err := i.sdk.Delete(ctx, name, "", expression); err != nil {
			return i.explain(ctx, err, "delete %d rows of collection %q", len(part), key.Collection)
		}
		i.clock.wrote(name, *stamp)
	}
	return nil
}

// idsExpression selects rows by ID. (The SDK's own DeleteByPks does not escape.)
func idsExpression(ids []string) (string, error) {
	quoted := make([]string, len(ids))
	for at, id := range ids {
		var err error
		if quoted[at], err = quote(id); err != nil {
			return "", fmt.Errorf("ID %s: %w", strconv.Quote(id), err)
		}
	}
	return idField + " in [" + strings.Join(quoted, ", ") + "]", nil
}

// Count implements search.Index. It waits for all that was written before.
func (i *Index) Count(ctx context.Context, key search.Key) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	count, err := i.count(ctx, collectionName(key))
	if err = i.stalled(ctx, collectionName(key), err); errors.Is(err, search.ErrUnreadable) {
		return 0, fmt.Errorf("count the rows of collection %q: %w", key.Collection, err)
	}
	return count, i.explain(ctx, err, "count the rows of collection %q", key.Collection)
}

func (i *Index) count(ctx context.Context, name string) (int, error) {
	const all = "count(*)"
	result, err := i.sdk.Query(ctx, name, nil, "", []string{all}, client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		return 0, err
	}
	column, ok := result.GetColumn(all).(*entity.ColumnInt64)
	if !ok || column.Len() != 1 {
		return 0, fmt.Errorf("Milvus sent a count as %T", result.GetColumn(all))
	}
	return int(column.Data()[0]), nil
}

// IDs implements search.Index: pages in the order of IDs, each with Strong
// consistency. What is written meanwhile may or may not be seen.
func (i *Index) IDs(ctx context.Context, key search.Key, yield func(id string) error) error {
	for last := ""; ; {
		ids, err := i.idsAfter(ctx, key, last)
		if err != nil {
			return i.explain(ctx, err, "list the rows of collection %q", key.Collection)
		}
		for _, id := range ids {
			if err := yield(id); err != nil {
				return err
			}
		}
		if len(ids) < idPage {
			return nil
		}
		last = ids[len(ids)-1]
	}
}

// idsAfter returns the idPage smallest IDs above last, in order.
func (i *Index) idsAfter(ctx context.Context, key search.Key, last string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	quoted, err := quote(last)
	if err != nil {
		return nil, err
	}
	result, err := i.sdk.Query(ctx, collectionName(key), nil, idField+" > "+quoted, []string{idField},
		client.WithLimit(idPage), client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		return nil, err
	}
	ids, err := idColumn(result.GetColumn(idField))
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func idColumn(column entity.Column) ([]string, error) {
	if column == nil {
		return nil, nil // no rows
	}
	ids, ok := column.(*entity.ColumnVarChar)
	if !ok {
		return nil, fmt.Errorf("Milvus sent IDs as %T", column)
	}
	return slices.Clone(ids.Data()), nil
}

// Search implements search.Index.
func (i *Index) Search(ctx context.Context, collection catalog.CollectionID, query search.Query) ([]search.Match, error) {
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	matches, err := i.search(ctx, collection, query)
	if err != nil {
		return nil, i.explain(ctx, err, "search collection %q", collection)
	}
	return matches, nil
}

func (i *Index) search(ctx context.Context, collection catalog.CollectionID, query search.Query) ([]search.Match, error) {
	if query.Limit < 1 || query.Limit > search.MaxLimit {
		return nil, fmt.Errorf("limit %d: 1 to %d are allowed", query.Limit, search.MaxLimit)
	}
	expression, err := compile(query.Filter)
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	active, err := i.activeOf(ctx, collection)
	if err == nil && len(query.Vector) != active.dimension {
		i.forgetActive(collection) // another process may have changed the model
		active, err = i.activeOf(ctx, collection)
	}
	if err != nil {
		return nil, err
	}
	if err := checkVector(query.Vector, active.dimension); err != nil {
		return nil, err
	}
	ask := func(count int) ([]search.Match, error) {
		return i.nearest(ctx, collection, active, query.Vector, expression, count)
	}
	matches, err := complete(ask, query.Limit)
	return matches, i.orDropped(ctx, collection, err)
}

// orDropped is the error of a search, or that of a missing collection when the index was
// dropped meanwhile: its parts end one after the other, and each says so in words of its
// own.
func (i *Index) orDropped(ctx context.Context, collection catalog.CollectionID, err error) error {
	var refused *serverError
	if !errors.As(err, &refused) {
		return err
	}
	if _, now := i.resolve(ctx, collection); isNotFound(now) {
		i.forgetActive(collection)
		return now
	}
	return err
}

// complete asks for a little more than limit, and again for more while equal
// scores reach beyond the end, so that ties are cut by ID and not by chance.
func complete(ask func(count int) ([]search.Match, error), limit int) ([]search.Match, error) {
	for count := min(limit+tieMargin, search.MaxLimit); ; count = min(2*count, search.MaxLimit) {
		matches, err := ask(count)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(matches, func(a, b search.Match) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
		})
		cut := min(limit, len(matches))
		if len(matches) < count || count == search.MaxLimit || matches[cut-1].Score > matches[len(matches)-1].Score {
			return matches[:cut], nil
		}
	}
}

// nearest is one call of Milvus.
func (i *Index) nearest(ctx context.Context, collection catalog.CollectionID, active activeIndex, vector []float32, expression string, count int) ([]search.Match, error) {
	breadth, err := entity.NewIndexHNSWSearchParam(max(i.hnsw.Ef, count))
	if err != nil {
		return nil, err
	}
	consistency, debt := i.clock.consistency(active.name)
	results, err := i.sdk.Search(ctx, aliasName(collection), nil, expression, nil,
		[]entity.Vector{entity.FloatVector(vector)}, vectorField, entity.IP, count, breadth, consistency)
	if err != nil {
		return nil, err
	}
	i.clock.searched(active.name, debt)
	if len(results) == 0 {
		return nil, nil
	}
	if results[0].Err != nil {
		return nil, results[0].Err
	}
	ids, err := idColumn(results[0].IDs)
	if err != nil {
		return nil, err
	}
	if len(ids) != len(results[0].Scores) {
		return nil, fmt.Errorf("Milvus sent %d IDs with %d scores", len(ids), len(results[0].Scores))
	}
	matches := make([]search.Match, len(ids))
	for at, id := range ids {
		matches[at] = search.Match{ID: id, Score: results[0].Scores[at]}
	}
	return matches, nil
}
