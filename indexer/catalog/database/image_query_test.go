package database

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// TestFindImages reads every order and choice page by page.
func TestFindImages(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		collection, err := s.CreateCollection(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		const count = 1203
		began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for page := range count/100 + 1 {
			var records []catalog.Record
			for i := 100 * page; i < min(count, 100*page+100); i++ {
				records = append(records, catalog.Record{Vector: []float32{1}, Image: catalog.Image{
					Source: catalog.PushedSource, URI: catalog.PushedURI(fmt.Sprintf("%04d", (i*7)%count)), SHA256: fmt.Sprint(i % 9), Format: "png", Metadata: map[string]any{"n": float64(i)},
				}})
			}
			s.now = func() time.Time { return began.Add(time.Duration(page) * time.Second) } // many share a moment
			if err := s.SaveImages(t.Context(), collection.ID, "f", records); err != nil {
				t.Fatal(err)
			}
		}
		third := func(metadata map[string]any) bool {
			return fmt.Sprint(metadata["n"]) != "" && int(metadata["n"].(float64))%3 == 0
		}
		for name, query := range map[string]catalog.ImageQuery{
			"uri": {}, "uri backwards": {Reverse: true}, "created": {Sort: catalog.SortCreated}, "newest": {Sort: catalog.SortCreated, Reverse: true},
			"whole pages": {Limit: count / 3},
			"some":        {Matches: third, Sort: catalog.SortUpdated}, "none": {Matches: func(map[string]any) bool { return false }},
		} {
			wants := map[string]int{"some": count / 3, "none": 0}
			want, limited := wants[name]
			if !limited {
				want = count
			}
			var images []catalog.Image
			for query.Limit = cmp.Or(query.Limit, 37); ; {
				page, next, err := s.FindImages(t.Context(), "c", query)
				if err != nil {
					t.Fatal(name, err)
				}
				if len(page) == 0 && query.Matches == nil {
					t.Errorf("%s: a page is empty", name)
				}
				images = append(images, page...)
				if next == "" {
					break
				}
				query.Cursor = next
			}
			seen := make(map[string]bool)
			for _, image := range images {
				seen[image.ID] = true
			}
			sorted := slices.IsSortedFunc(images, func(a, b catalog.Image) int {
				if query.Reverse {
					a, b = b, a
				}
				if query.Sort == catalog.SortURI {
					return compareText(a.URI, b.URI)
				}
				return a.Created.Compare(b.Created)
			})
			if len(images) != want || len(seen) != want || !sorted {
				t.Errorf("%s: %d images, %d different ones, sorted: %t; want %d", name, len(images), len(seen), sorted, want)
			}
		}
	})
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestFindImagesRefuses what is no order, and cursors of other lists.
func TestFindImagesRefuses(t *testing.T) {
	s := mustOpen(t, t.TempDir()+"/c.db")
	if _, err := s.CreateCollection(t.Context(), "c", 0); err != nil {
		t.Fatal(err)
	}
	other := (&rowPlace{Sort: catalog.SortCreated, Key: "5", ID: "x"}).cursor()
	for name, query := range map[string]catalog.ImageQuery{
		"no limit": {}, "order": {Limit: 1, Sort: "price"}, "cursor of another order": {Limit: 1, Cursor: other}, "no cursor": {Limit: 1, Cursor: "…"},
		"no number": {Limit: 1, Sort: catalog.SortCreated, Cursor: (&rowPlace{Sort: catalog.SortCreated, Key: "x"}).cursor()},
	} {
		if _, _, err := s.FindImages(t.Context(), "c", query); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := s.FindImages(t.Context(), "d", catalog.ImageQuery{Limit: 1}); !errors.Is(err, catalog.ErrCollectionNotFound) {
		t.Errorf("missing collection: got %v", err)
	}
}
