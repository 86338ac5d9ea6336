package searchtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/search/exact"
)

func testActivate(s *suite) {
	old := s.ensured("two models", 3)
	s.upsert(old, search.Row{ID: "old", Vector: []float32{1, 0, 0}})
	shadow := old
	shadow.Fingerprint = strings.Repeat("fedc", 16)
	s.dropLater(shadow)
	s.wantNotFound(s.index.Activate(s.ctx, shadow))
	s.must(s.index.Ensure(s.ctx, shadow, 5))
	s.upsert(shadow, search.Row{ID: "new", Vector: []float32{0, 0, 0, 0, 1}})

	oldQuery := search.Query{Vector: []float32{1, 0, 0}, Limit: 5}
	newQuery := search.Query{Vector: []float32{0, 0, 0, 0, 1}, Limit: 5}
	s.wantIDs(idsOf(s.search(old.Collection, oldQuery)), []string{"old"})
	for range 2 {
		s.must(s.index.Activate(s.ctx, shadow))
		s.wantIDs(idsOf(s.search(old.Collection, newQuery)), []string{"new"})
		_, err := s.index.Search(s.ctx, old.Collection, oldQuery)
		s.wantError(err, "3", "5")
		s.must(s.index.Activate(s.ctx, old))
		s.wantIDs(idsOf(s.search(old.Collection, oldQuery)), []string{"old"})
	}
	s.must(s.index.Activate(s.ctx, old)) // again is no error
	s.must(s.index.Drop(s.ctx, shadow))
	s.wantIDs(idsOf(s.search(old.Collection, oldQuery)), []string{"old"})
}

func testDrop(s *suite) {
	key := s.key("dropped")
	s.must(s.index.Drop(s.ctx, key))
	for range 2 {
		s.must(s.index.Ensure(s.ctx, key, 2))
		s.wantIDs(s.ids(key), nil)
		s.upsert(key, search.Row{ID: "a", Vector: []float32{1, 0}})
		s.wantIDs(idsOf(s.search(key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 5})), []string{"a"})
		s.must(s.index.Drop(s.ctx, key))
		_, err := s.index.Search(s.ctx, key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 5})
		s.wantNotFound(err)
	}
	s.must(s.index.Drop(s.ctx, key))
}

// testRandom compares the index with the exact one after random operations.
func testRandom(s *suite) {
	const dimension = 6
	key := s.ensured("random", dimension)
	oracle := exact.New()
	s.must(oracle.Ensure(s.ctx, key, dimension))
	both := []search.Index{s.index, oracle}
	for range 25 {
		switch s.random.IntN(4) {
		case 0, 1:
			rows := map[string]search.Row{}
			for range 1 + s.random.IntN(30) {
				id := fmt.Sprint("row", s.random.IntN(120))
				rows[id] = search.Row{ID: id, Vector: s.unit(dimension), Metadata: map[string]any{"n": float64(s.random.IntN(5))}}
			}
			for _, index := range both {
				s.must(index.Upsert(s.ctx, key, slices.Collect(maps.Values(rows))))
			}
		case 2:
			ids := []string{fmt.Sprint("row", s.random.IntN(120)), fmt.Sprint("row", s.random.IntN(120)), "missing"}
			for _, index := range both {
				s.must(index.Delete(s.ctx, key, ids))
			}
		case 3:
			s.compare(oracle, key.Collection, search.Query{
				Vector: s.unit(dimension), Limit: 1 + s.random.IntN(60),
				Filter: search.Compare{Field: "n", Op: search.Ne, Value: float64(s.random.IntN(5))},
			})
		}
	}
	var want []string
	s.must(oracle.IDs(s.ctx, key, func(id string) error {
		want = append(want, id)
		return nil
	}))
	s.wantIDs(s.ids(key), want)
}

// compare asks both indexes the same.
func (s *suite) compare(oracle search.Index, collection catalog.CollectionID, query search.Query) {
	s.Helper()
	want, err := oracle.Search(s.ctx, collection, query)
	s.must(err)
	got, err := s.index.Search(s.ctx, collection, query)
	if err != nil {
		s.Errorf("filter %#v: %v", query.Filter, err)
		return
	}
	if !slices.Equal(idsOf(got), idsOf(want)) {
		s.Errorf("filter %#v: got %d %.300q, want %d %.300q", query.Filter, len(got), idsOf(got), len(want), idsOf(want))
	}
}
