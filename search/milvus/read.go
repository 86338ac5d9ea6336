package milvus

import (
	"context"
	"fmt"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"polylens/internal/text"
	"polylens/search"
)

// readBytes of vectors are asked for at once: Milvus sends 64 MB.
const readBytes = 16 << 20

// Rows implements search.Index.
func (i *Index) Rows(ctx context.Context, key search.Key, ids []string) ([]search.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	err := search.CheckRows(ids)
	var dimension int
	if err == nil {
		dimension, err = i.dimensionOf(ctx, key)
	}
	if err != nil || len(ids) == 0 {
		return nil, i.explain(ctx, err, "read %d rows of collection %q", len(ids), key.Collection)
	}
	var rows []search.Row
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for part := range slices.Chunk(ids, readBytes/(4*dimension+longestMetadata/16)+1) {
		if err != nil {
			break
		}
		var found []search.Row
		found, err = i.rows(ctx, collectionName(key), part)
		rows = append(rows, found...)
	}
	return rows, i.explain(ctx, err, "read %d rows of collection %q", len(ids), key.Collection)
}

func (i *Index) rows(ctx context.Context, name string, ids []string) ([]search.Row, error) {
	expression, err := idsExpression(ids)
	if err != nil {
		return nil, err
	}
	result, err := i.sdk.Query(ctx, name, nil, expression, []string{idField, vectorField, metadataField},
		client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		return nil, err
	}
	found, err := idColumn(result.GetColumn(idField))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	vectors, ok := result.GetColumn(vectorField).(*entity.ColumnFloatVector)
	about, isJSON := result.GetColumn(metadataField).(*entity.ColumnJSONBytes)
	if !ok || !isJSON || vectors.Len() != len(found) || about.Len() != len(found) {
		return nil, fmt.Errorf("Milvus sent vectors as %T and metadata as %T", result.GetColumn(vectorField), result.GetColumn(metadataField))
	}
	return rowsOf(found, vectors.Data(), about.Data())
}

// rowsOf puts columns together. Milvus may give a row twice.
func rowsOf(ids []string, vectors [][]float32, about [][]byte) ([]search.Row, error) {
	rows := make([]search.Row, 0, len(ids))
	seen := make(map[string]bool, len(ids))
	for at, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		metadata, err := text.StoredObject(about[at])
		if err != nil {
			return nil, fmt.Errorf("metadata of row %q: %w", id, err)
		}
		rows = append(rows, search.Row{ID: id, Vector: vectors[at], Metadata: metadata})
	}
	return rows, nil
}
