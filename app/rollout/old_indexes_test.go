package rollout_test

import (
	"errors"
	"strings"
	"testing"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/search"
)

// wantIndexes checks which models have an index of the collection c.
func (x *process) wantIndexes(t *testing.T, models map[string]bool) {
	t.Helper()
	for model, want := range models {
		key := search.Key{Collection: "c", Fingerprint: fake{name: model}.PictureFingerprint()}
		err := x.index.IDs(t.Context(), key, func(string) error { return nil })
		if err != nil && !errors.Is(err, catalog.ErrCollectionNotFound) {
			t.Fatal(err)
		}
		if is := err == nil; is != want {
			t.Errorf("with %s in use, there is an index for %s: %v, want %v", x.Name(), model, is, want)
		}
	}
}

// TestOldIndexesAreDropped: the index in use and the one before stay, and a
// model whose index is gone can be used again without its pictures being lost.
func TestOldIndexesAreDropped(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.mustUse(t, "second")
	x.wantHits(t, "c", 6, "second")
	x.wantIndexes(t, map[string]bool{"first": true, "second": true})
	x.mustUse(t, "third")
	x.wantHits(t, "c", 6, "third")
	x.wantIndexes(t, map[string]bool{"first": false, "second": true, "third": true})

	if err := x.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.wantHits(t, "c", 6, "second")
	if err := x.RollBack(t.Context()); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "model use first") {
		t.Errorf("rolled back to a model whose index is gone: %v", err)
	}
	x.wantHits(t, "c", 6, "second")
	x.mustUse(t, "first")
	x.wantHits(t, "c", 6, "first")
	x.wantIndexes(t, map[string]bool{"first": true, "second": true, "third": false})
}

// TestRollBackPassesOverNewCollections: collections that the model before has never
// seen do not keep the data folder from going back to it.
func TestRollBackPassesOverNewCollections(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.mustUse(t, "second")
	later := t.TempDir()
	draw(t, later, 7, 9)
	x.indexed(t, later, "d")
	if err := x.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.wantHits(t, "c", 6, "first")
}

// TestCollectionsOfOtherModelsStay: a collection that was indexed with a model of
// its own stays with it, even if it shares pictures with one that moves.
func TestCollectionsOfOtherModelsStay(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.indexed(t, pictures, "own")
	foreign := strings.Repeat("0", 64)
	if err := x.store.SetFingerprint(t.Context(), "own", foreign, 0); err != nil {
		t.Fatal(err)
	}
	x.mustUse(t, "other")
	x.wantHits(t, "c", 6, "other")
	if own, err := x.store.Collection(t.Context(), "own"); err != nil || own.Fingerprint != foreign {
		t.Errorf("the other collection is searched by %s now: %v", own.Fingerprint, err)
	}
}

// TestLostModels: a model that is gone can be neither used nor gone back to; a
// rollback passes over it.
func TestLostModels(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	if err := x.Use(t.Context(), rollout.Used{Model: "gone"}, true); err == nil {
		t.Error("a model that is gone is used")
	}
	x.wantHits(t, "c", 6, "first")
	choice := rollout.Choice{Used: rollout.Used{Model: "c"}, Before: []rollout.Used{{Model: "a"}, {Model: "gone"}}}
	back, ok := choice.Back(func(name string) bool { return name != "gone" })
	if !ok || back.Model != "a" || len(back.Before) != 0 {
		t.Errorf("back is %+v, %v", back, ok)
	}
}
