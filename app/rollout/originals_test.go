package rollout_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/app/rollout"
	"polylens/indexer"
	"polylens/indexer/catalog"
)

// sent sends drawn pictures to a collection.
func (x *process) sent(t *testing.T, pictures, collection string, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		data, err := os.ReadFile(filepath.Join(pictures, fmt.Sprintf("%02d.png", n)))
		if err == nil {
			_, _, err = x.documents.Apply(t.Context(), collection, indexer.Document{Operation: catalog.OperationUpsert, ID: fmt.Sprint(n), Data: data})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSentPicturesChangeModels: pictures that clients have sent are encoded anew, beside
// those of folders, and what was sent since then is encoded after the way back.
func TestSentPicturesChangeModels(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.sent(t, pictures, "sent", 1, 4)
	x.sent(t, pictures, "both", 1, 2)
	folder := t.TempDir()
	draw(t, folder, 11, 13)
	x.indexed(t, folder, "both")
	x.mustUse(t, "other")
	x.wantHits(t, "sent", 4, "other")
	x.wantHits(t, "both", 5, "other")
	x.sent(t, pictures, "sent", 5, 6)
	if err := x.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		hits, err := x.hits(t, "sent")
		if err != nil || hits < 4 || time.Now().After(deadline) {
			t.Fatalf("rolled back: %d hits, %v", hits, err)
		}
		if hits == 6 {
			break
		}
	}
}

// TestDiscardedPicturesRefuseModels: a model that has not seen pictures whose originals are
// not kept is refused before anything changes, with their number, until they are sent again.
func TestDiscardedPicturesRefuseModels(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	if _, err := x.indexer.CreateCollection(t.Context(), "c", 0, catalog.OriginalsDiscarded); err != nil {
		t.Fatal(err)
	}
	x.sent(t, pictures, "c", 1, 3)
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "3 of the 3 pictures") {
			t.Errorf("%s: %v", what, err)
		}
		x.wantHits(t, "c", 3, x.Name())
	}
	refused("use", x.Use(t.Context(), rollout.Used{Model: "other"}, true))
	if _, err := x.indexer.SetOriginals(t.Context(), "c", catalog.OriginalsKept); err != nil {
		t.Fatal(err)
	}
	refused("kept, and not sent again", x.Use(t.Context(), rollout.Used{Model: "other"}, true))
	x.sent(t, pictures, "c", 1, 3)
	x.mustUse(t, "other")
	x.wantHits(t, "c", 3, "other")

	// What is sent now only the other model has seen.
	draw(t, pictures, 4, 6)
	if _, err := x.indexer.SetOriginals(t.Context(), "c", catalog.OriginalsDiscarded); err != nil {
		t.Fatal(err)
	}
	x.sent(t, pictures, "c", 4, 6)
	if err := x.RollBack(t.Context()); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "3 of the 6 pictures") {
		t.Errorf("rolled back: %v", err)
	}
	x.wantHits(t, "c", 6, "other")
}

// TestOriginalsWhileModelsChange: what is sent to a collection that discards originals while
// another model is being prepared is kept until that has seen it, and found after the flip.
func TestOriginalsWhileModelsChange(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	if _, err := x.indexer.CreateCollection(t.Context(), "thrifty", 0, catalog.OriginalsDiscarded); err != nil {
		t.Fatal(err)
	}
	x.shut(t)
	x = held(t, h)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	x.sent(t, pictures, "thrifty", 1, 3)
	x.shut(t)
	x = h.open(t)
	if err := x.settled(t); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		hits, err := x.hits(t, "thrifty")
		if hits == 3 && err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d hits, %v", hits, err)
		}
	}
	x.wantHits(t, "thrifty", 3, "other")
}
