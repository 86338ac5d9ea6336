package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// TestPruneKeepsTheModelBefore: of three models, the vectors of the first are
// removed; searches, and the rollback to the second, go on working.
func TestPruneKeepsTheModelBefore(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	second, third := otherModel(t, 1), otherModel(t, 2)
	for _, model := range []string{second, third} {
		use(t, x, model)
	}
	shut(t, x)
	choice, err := readChoice(h.data)
	if err != nil {
		t.Fatal(err)
	}
	store, err := database.Open(t.Context(), filepath.Join(h.data, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	purged, err := rollout.Prune(t.Context(), store, choice, h.data)
	if err := errors.Join(err, store.Close()); purged != (catalog.Purged{Vectors: 6, Bytes: 6 * 2 * 192}) || err != nil {
		t.Errorf("%+v is pruned, %v; want the vectors of the first of three models", purged, err)
	}

	x = h.open(t)
	wantHits(t, x, "c", 6, third)
	if err := x.rollout.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "c", 6, second)
	if err := x.rollout.RollBack(t.Context()); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("rolled back to a model whose vectors are gone: %v", err)
	}
	wantHits(t, x, "c", 6, second)
}

func TestPrune(t *testing.T) {
	f := newFolders(t)
	if got := f.succeed(t, "prune", "--json"); strings.TrimSpace(got) != `{"vectors":0,"bytes":0}` {
		t.Errorf("an empty data folder gives %s", got)
	}
	choice := `{"model":"a","next":{"model":"b","job":"j"}}`
	if err := os.WriteFile(filepath.Join(f.data, rollout.ChoiceFile), []byte(choice), 0o600); err != nil {
		t.Fatal(err)
	}
	f.fail(t, 1, []string{"encoded for the model b", "polylens serve"}, "prune")
}
