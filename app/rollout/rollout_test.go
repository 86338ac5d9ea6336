package rollout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/search"
)

var errRefused = errors.New("refused")

// stubborn is an index that refuses to be activated for a while.
type stubborn struct {
	search.Index
	refuses *atomic.Bool
}

func (s stubborn) Activate(ctx context.Context, key search.Key) error {
	if s.refuses.Load() {
		return errRefused
	}
	return s.Index.Activate(ctx, key)
}

// TestUseAndRollBack: an index that fails leaves everything as it was; then the model
// changes and changes back, after which later pictures are indexed.
func TestUseAndRollBack(t *testing.T) {
	h, pictures := newHouse(t)
	var refuses atomic.Bool
	h.index = stubborn{h.index, &refuses}
	x := h.open(t)
	x.indexed(t, pictures, "c")
	if err := x.Use(t.Context(), rollout.Used{Model: "first"}, false); err != nil {
		t.Errorf("the model in use: %v", err)
	}
	refuses.Store(true)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil && !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("a second change while the first goes on: %v", err)
	}
	if err := x.settled(t); !errors.Is(err, errRefused) {
		t.Errorf("an index that refuses gives %v", err)
	}
	refuses.Store(false)
	x.wantHits(t, "c", 6, "first")

	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, false); err != nil {
		t.Fatal(err)
	}
	if err := x.settled(t); err != nil {
		t.Fatalf("the index is there already: %v", err)
	}
	x.wantHits(t, "c", 6, "other")
	draw(t, pictures, 7, 8)
	x.indexed(t, pictures, "c")
	x.wantHits(t, "c", 8, "other")
	if err := x.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		hits, err := x.hits(t, "c")
		if err != nil || hits < 6 || time.Now().After(deadline) {
			t.Fatalf("rolled back: %d hits, %v", hits, err)
		}
		if hits == 8 {
			break
		}
	}
	if err := x.RollBack(t.Context()); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("rolled back further than there is: %v", err)
	}
}

// held keeps the jobs of a process from beginning.
func held(t *testing.T, h house) *process {
	t.Helper()
	x := h.open(t)
	if err := x.worker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestSecondChangeWaits: while one model is prepared there is no other change but
// giving it up.
func TestSecondChangeWaits(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.shut(t)
	x = held(t, h)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	if got := x.Choice().State(); got != rollout.Preparing {
		t.Errorf("the state is %s", got)
	}
	if err := x.Use(t.Context(), rollout.Used{Model: "third"}, true); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("a second change while the first goes on: %v", err)
	}
	job := x.Choice().Next.Job
	if err := x.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if given, err := x.jobs.Get(t.Context(), job); err != nil || given.State != catalog.JobCanceled {
		t.Errorf("the job is %s, %v", given.State, err)
	}
	x.wantHits(t, "c", 6, "first")
}

// TestCanceledJob: a model whose job somebody canceled is given up, whether it had
// begun or not.
func TestCanceledJob(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.shut(t)
	x = held(t, h)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := x.jobs.Cancel(t.Context(), x.Choice().Next.Job); err != nil {
		t.Fatal(err)
	}
	x.shut(t)
	x = h.open(t)
	x.wantHits(t, "c", 6, "first")
	x.mustUse(t, "third")
	x.wantHits(t, "c", 6, "third")
}

// TestUseComparesModels: a model that finds nothing is not used unless that is
// accepted, and it is refused again even though its vectors are there by then.
func TestUseComparesModels(t *testing.T) {
	h, pictures := newHouse(t)
	draw(t, pictures, 7, 20)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	confused := rollout.Used{Model: "confused"}
	for range 2 {
		err := x.Use(t.Context(), confused, false)
		if err == nil {
			err = x.settled(t)
		}
		if err == nil || !strings.Contains(err.Error(), "searched worse") {
			t.Errorf("a model that finds nothing: %v", err)
		}
		x.wantHits(t, "c", 20, "first")
	}
	x.mustUse(t, "confused")
	x.wantHits(t, "c", 20, "confused")
}

// TestUseSurvivesItsProcess: what one process has begun to prepare, the next one
// completes, and also a flip that was left half done.
func TestUseSurvivesItsProcess(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.indexed(t, pictures, "d")
	x.shut(t)
	x = held(t, h) // nothing more is encoded
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	if next := x.Choice().Next; next == nil || next.Model != "other" || x.Name() != "first" {
		t.Fatalf("prepared is %+v", next)
	}
	x.shut(t)

	x = h.open(t)
	if err := x.settled(t); err != nil {
		t.Fatal(err)
	}
	x.wantHits(t, "c", 6, "other")
	x.wantHits(t, "d", 6, "other")

	// A process that ended after it had noted its choice, and nothing else.
	choice, _ := x.Choice().Back(func(string) bool { return true })
	if err := choice.Write(h.data); err != nil {
		t.Fatal(err)
	}
	x.shut(t)
	x = h.open(t)
	x.wantHits(t, "c", 6, "first")
	x.wantHits(t, "d", 6, "first")
}

// TestUseNeedsThePictures: without them nothing is begun.
func TestUseNeedsThePictures(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}
	err := x.Use(t.Context(), rollout.Used{Model: "other"}, true)
	if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), pictures) {
		t.Errorf("without the folder: %v", err)
	}
	x.wantHits(t, "c", 6, "first")
	x.shut(t)
	h.named = "first"
	x = h.open(t)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "--model") {
		t.Errorf("where the command line names the model: %v", err)
	}
}

// TestBrokenChoice: a damaged file is named, with a remedy.
func TestBrokenChoice(t *testing.T) {
	for _, content := range []string{"{", `{"model":""}`, `{}`} {
		data := t.TempDir()
		if err := os.WriteFile(filepath.Join(data, rollout.ChoiceFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := rollout.ReadChoice(data, "first"); err == nil || !strings.Contains(err.Error(), "--model") || !strings.Contains(err.Error(), rollout.ChoiceFile) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if choice, err := rollout.ReadChoice(t.TempDir(), "first"); err != nil || choice.Model != "first" {
		t.Errorf("no note gives %+v, %v", choice, err)
	}
}
