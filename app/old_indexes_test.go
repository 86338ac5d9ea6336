package main

import (
	"errors"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
)

// wantIndexes: which models have an index of the collection, by their fingerprints.
func wantIndexes(t *testing.T, h house, x *parts, fingerprints map[string]bool) {
	t.Helper()
	for fingerprint, want := range fingerprints {
		key := search.Key{Collection: "c", Fingerprint: fingerprint}
		err := h.index.IDs(t.Context(), key, func(string) error { return nil })
		if err != nil && !errors.Is(err, catalog.ErrCollectionNotFound) {
			t.Fatal(err)
		}
		if is := err == nil; is != want {
			t.Errorf("with %s in use, there is an index for %s: %v, want %v", x.modelName(), fingerprint, is, want)
		}
	}
}

// TestOldIndexesAreDropped: the index in use and the one before stay, and a
// model whose index is gone can be used again without its pictures being lost.
func TestOldIndexesAreDropped(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	var prints []string
	use := func(model string) {
		t.Helper()
		if err := errors.Join(x.use(t.Context(), usedModel{Model: model}, true), settled(t, x)); err != nil {
			t.Fatal(err)
		}
		wantHits(t, x, "c", 6, model)
		prints = append(prints, x.models.now().model.PictureFingerprint())
	}
	prints = append(prints, x.models.now().model.PictureFingerprint())
	second, third := otherModel(t, 1), otherModel(t, 2)
	use(second)
	wantIndexes(t, h, x, map[string]bool{prints[0]: true, prints[1]: true})
	use(third)
	wantIndexes(t, h, x, map[string]bool{prints[0]: false, prints[1]: true, prints[2]: true})

	if err := x.rollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "c", 6, second)
	if err := x.rollBack(t.Context()); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "model use "+bundledModel) {
		t.Errorf("rolled back to a model whose index is gone: %v", err)
	}
	wantHits(t, x, "c", 6, second)
	use(bundledModel)
	wantIndexes(t, h, x, map[string]bool{prints[0]: true, prints[1]: true, prints[2]: false})
}

// TestRollBackPassesOverNewCollections: what the model before has never seen
// does not keep the data folder from going back to it.
func TestRollBackPassesOverNewCollections(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	if err := errors.Join(x.use(t.Context(), usedModel{Model: otherModel(t, 1)}, true), settled(t, x)); err != nil {
		t.Fatal(err)
	}
	later := t.TempDir()
	drawFolder(t, later, 7, 9)
	indexed(t, x, later, "d")
	if err := x.rollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "c", 6, bundledModel)
}

// TestCollectionsOfOtherModelsStay: a collection that was indexed with a model of
// its own stays with it, also where it shares pictures with one that moves.
func TestCollectionsOfOtherModelsStay(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	indexed(t, x, pictures, "own")
	foreign := strings.Repeat("0", 64)
	if err := x.store.SetFingerprint(t.Context(), "own", foreign, 0); err != nil {
		t.Fatal(err)
	}
	other := otherModel(t, 1)
	if err := errors.Join(x.use(t.Context(), usedModel{Model: other}, true), settled(t, x)); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "c", 6, other)
	if own, err := x.store.Collection(t.Context(), "own"); err != nil || own.Fingerprint != foreign {
		t.Errorf("the other collection is searched by %s now: %v", own.Fingerprint, err)
	}
}

// TestRefusedModelStaysRefused: a model that finds less is refused again, though
// its vectors are there by then.
func TestRefusedModelStaysRefused(t *testing.T) {
	need(t, needDemo)
	h, _ := newHouse(t)
	x, pictures := h.open(t), trainPictures(t, 20)
	indexed(t, x, pictures, "c")
	other := usedModel{Model: otherModel(t, 1)}
	for range 2 {
		err := x.use(t.Context(), other, false)
		if err == nil {
			err = settled(t, x)
		}
		if err == nil || !strings.Contains(err.Error(), "searched worse") {
			t.Errorf("a model that finds nothing: %v", err)
		}
		wantHits(t, x, "c", 20, bundledModel)
	}
	if err := x.use(t.Context(), other, true); err != nil {
		t.Error(err)
	}
	wantHits(t, x, "c", 20, other.Model)
}
