package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/search"
)

// stalled is an index that accepts nothing before it is released.
type stalled struct {
	search.Index
	once             sync.Once
	reached, release chan struct{}
}

func (s *stalled) Ensure(ctx context.Context, key search.Key, dimension int) error {
	s.once.Do(func() { close(s.reached) })
	select {
	case <-s.release:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Index.Ensure(ctx, key, dimension)
}

// found are the IDs and scores that a search gives.
func (x *process) found(t *testing.T, collection string) string {
	t.Helper()
	results, err := x.service.ByText(t.Context(), collection, "picture 1", search.Options{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, hit := range results.Hits {
		list = append(list, fmt.Sprint(hit.ID, hit.Score))
	}
	return strings.Join(list, " ")
}

// TestRename: searches find the same under the new name, the old name can be used
// again, and models change as before, even in a later process.
func TestRename(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	before := x.found(t, "c")
	if _, err := x.RenameCollection(t.Context(), "c", "new"); err != nil {
		t.Fatal(err)
	}
	if after := x.found(t, "new"); after != before || before == "" {
		t.Errorf("found %s, and before %s", after, before)
	}
	if _, err := x.hits(t, "c"); !errors.Is(err, catalog.ErrCollectionNotFound) {
		t.Errorf("by the old name: %v", err)
	}
	x.indexed(t, pictures, "c")
	if after := x.found(t, "new"); after != before || x.found(t, "c") == before {
		t.Errorf("found %s and %s, and before %s", after, x.found(t, "c"), before)
	}
	x.mustUse(t, "other")
	for _, name := range []string{"c", "new"} {
		x.wantHits(t, name, 6, "other")
	}
	x.shut(t)
	x = h.open(t)
	if err := x.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"c", "new"} {
		x.wantHits(t, name, 6, "first")
	}
}

// TestRenameUnderSearches: every search is answered in full under one of the names.
func TestRenameUnderSearches(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "a")
	done := make(chan struct{})
	var searches sync.WaitGroup
	for range 4 {
		searches.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, name := range []string{"a", "b"} {
					if hits, err := x.hits(t, name); hits != 6 && !errors.Is(err, catalog.ErrCollectionNotFound) {
						t.Errorf("%d hits, %v", hits, err)
						return
					}
				}
			}
		})
	}
	names := []string{"a", "b"}
	for range 200 {
		if _, err := x.RenameCollection(t.Context(), names[0], names[1]); err != nil {
			t.Error(err)
			break
		}
		names[0], names[1] = names[1], names[0]
	}
	close(done)
	searches.Wait()
}

// TestRenameWaitsForTheNextModel: a job that encodes collections knows them by name,
// so it is in the way; one that has not begun is not.
func TestRenameWaitsForTheNextModel(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.shut(t)
	x = held(t, h)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := x.RenameCollection(t.Context(), "c", "new"); err != nil {
		t.Errorf("before the job has begun: %v", err)
	}
	x.shut(t)

	slow := &stalled{Index: h.index, reached: make(chan struct{}), release: make(chan struct{})}
	x = h.open(t, func(x *process) { x.index = slow })
	<-slow.reached
	if _, err := x.RenameCollection(t.Context(), "new", "third"); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "other") {
		t.Errorf("while the job runs: %v", err)
	}
	close(slow.release)
	if err := x.settled(t); err != nil {
		t.Fatal(err)
	}
	x.wantHits(t, "new", 6, "other")
	if all, err := x.store.Collections(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
