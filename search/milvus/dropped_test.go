package milvus

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
)

// TestSearchesOfWhatIsDropped: a search that meets the end of its index finds it gone,
// whatever part of Milvus notices first.
func TestSearchesOfWhatIsDropped(t *testing.T) {
	needServer(t)
	index := connect(t, shared)
	for round := range 8 {
		key := search.Key{Collection: catalog.CollectionID(fmt.Sprintf("dropped %d", round)), Fingerprint: strings.Repeat("ab", 32)}
		if err := errors.Join(index.Ensure(t.Context(), key, 2), index.Upsert(t.Context(), key, someRows())); err != nil {
			t.Fatal(err)
		}
		var searching sync.WaitGroup
		for range 8 {
			searching.Go(func() { searchUntilGone(t, index, key.Collection) })
		}
		if err := index.Drop(t.Context(), key); err != nil {
			t.Error(err)
		}
		searching.Wait()
	}
}

func someRows() []search.Row {
	rows := make([]search.Row, 200)
	for i := range rows {
		rows[i] = search.Row{ID: fmt.Sprint(i), Vector: []float32{1, 0}, Metadata: map[string]any{"n": float64(i)}}
	}
	return rows
}

func searchUntilGone(t *testing.T, index *Index, collection catalog.CollectionID) {
	query := search.Query{Vector: []float32{1, 0}, Limit: 10, Filter: search.Compare{Field: "n", Op: search.Ge, Value: 0.}}
	for {
		switch _, err := index.Search(t.Context(), collection, query); {
		case errors.Is(err, catalog.ErrCollectionNotFound):
			return
		case err != nil:
			t.Errorf("%v", err)
			return
		}
	}
}
