package indexer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
)

func TestCheckAndRebuild(t *testing.T) {
	b := newBench(t, Options{})
	if _, err := b.Check(t.Context(), "c"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown collection: got %v, want ErrNotFound", err)
	}
	files := make(map[string][]byte)
	for i := range 9 {
		files[fmt.Sprintf("%d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	b.run(t)
	rows := b.index.rows["c/f1"]
	delete(rows, b.image(t, "1.png").ID)
	rows["stranger"] = search.Row{ID: "stranger"}
	b.wantCheck(t, CheckReport{Images: 9, Missing: 1, Extra: 1})
	report, err := b.Repair(t.Context(), "c")
	if err != nil || report != (CheckReport{Images: 9, Missing: 1, Extra: 1, Repaired: 2}) {
		t.Errorf("got %+v, %v", report, err)
	}
	b.wantMirror(t)
	delete(b.index.rows, "c/f1") // the whole index is lost
	b.wantCheck(t, CheckReport{Images: 9, Missing: 9})
	if report, err = b.Repair(t.Context(), "c"); err != nil || report.Repaired != 9 {
		t.Errorf("after losing the index: got %+v, %v", report, err)
	}
	b.wantMirror(t)
	b.wantCheck(t, CheckReport{Images: 9})
	spoiled := b.image(t, "2.png").ID
	b.index.rows["c/f1"][spoiled] = search.Row{ID: spoiled} // only a rebuild sees this
	if report, err = b.Rebuild(t.Context(), "c"); err != nil || report.Repaired != 9 {
		t.Errorf("rebuild: got %+v, %v", report, err)
	}
	b.wantMirror(t)
	if b.encoder.encoded() != 9 {
		t.Errorf("encoded %d pictures, want 9: repair must not encode", b.encoder.encoded())
	}
}

// wantCheck: the report is this one, and neither the index nor the catalogue has
// changed.
func (b *bench) wantCheck(t *testing.T, want CheckReport) {
	t.Helper()
	before := maps.Clone(b.index.rows["c/f1"])
	for range 2 {
		if got, err := b.Check(t.Context(), "c"); err != nil || got != want {
			t.Errorf("check: got %+v, %v, want %+v", got, err, want)
		}
	}
	if after := b.index.rows["c/f1"]; !reflect.DeepEqual(before, after) {
		t.Errorf("check changed the index from %v to %v", before, after)
	}
}

// TestCheckSeesOutdatedRows: a row whose image has changed since is found, and a
// rebuild counts only the rows that were outdated before it.
func TestCheckSeesOutdatedRows(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2), "c.png": picture(3)})
	b.run(t)
	ids := []string{b.image(t, "a.png").ID, b.image(t, "b.png").ID}
	if err := b.store.ForgetIndexedImages(t.Context(), "f1", ids); err != nil {
		t.Fatal(err)
	}
	delete(b.index.rows["c/f1"], ids[1])
	want := CheckReport{Images: 3, Missing: 1, Outdated: 1}
	b.wantCheck(t, want)
	want.Repaired = 3
	if got, err := b.Rebuild(t.Context(), "c"); err != nil || got != want {
		t.Errorf("rebuild: got %+v, %v, want %+v", got, err, want)
	}
	b.wantCheck(t, CheckReport{Images: 3})
	b.wantMirror(t)
}

// TestCheckWithoutImages: an index that has nothing to hold may be missing, and
// is emptied where it is not.
func TestCheckWithoutImages(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.run(t)
	b.remove(t, "a.png")
	b.runAs(t, func(r *Request) { r.ConfirmRemoval = true })
	b.index.rows["c/f1"]["stranger"] = search.Row{ID: "stranger"}
	b.wantCheck(t, CheckReport{Extra: 1})
	if report, err := b.Repair(t.Context(), "c"); err != nil || report != (CheckReport{Extra: 1, Repaired: 1}) {
		t.Errorf("with a stranger: got %+v, %v", report, err)
	}
	b.wantMirror(t)
	delete(b.index.rows, "c/f1")
	for _, check := range []func(context.Context, string) (CheckReport, error){b.Check, b.Repair, b.Rebuild} {
		if report, err := check(t.Context(), "c"); err != nil || report != (CheckReport{}) {
			t.Errorf("after losing the index: got %+v, %v", report, err)
		}
	}
}

func TestRunRepairsTheIndexFirst(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.run(t)
	delete(b.index.rows["c/f1"], b.image(t, "a.png").ID)
	b.index.rows["c/f1"]["stranger"] = search.Row{ID: "stranger"}
	report := b.run(t)
	wantCounts(t, "after the index lost a row and found a stranger", report, counts{skipped: 2})
	if report.Repaired != 2 {
		t.Errorf("repaired %d rows, want 2", report.Repaired)
	}
}

func TestDeleteImages(t *testing.T) {
	b := newBench(t, Options{IndexPatience: time.Millisecond})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2), "c.png": picture(3)})
	b.run(t)
	ids := []string{b.image(t, "a.png").ID, "unknown"}
	if err := b.DeleteImages(t.Context(), "c", ids); err != nil {
		t.Fatal(err)
	}
	b.wantMirror(t)
	// While the index is down the image goes from the catalogue at once and
	// from the index with the next run.
	b.index.setDown(search.ErrUnavailable)
	if err := b.DeleteImages(t.Context(), "c", []string{b.image(t, "b.png").ID}); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("got %v, want search.ErrUnavailable", err)
	}
	b.index.setDown(nil)
	b.remove(t, "a.png")
	b.remove(t, "b.png")
	wantCounts(t, "afterwards", b.run(t), counts{skipped: 1})
}
