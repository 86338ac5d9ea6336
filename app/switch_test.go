package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/search/exact"
	"polylens/web"
)

// house is a data folder with an index that outlives processes.
type house struct {
	data  string
	index search.Index
}

// open opens everything as a process does.
func (h house) open(t *testing.T) *parts {
	t.Helper()
	g := globals{Data: h.data, Cache: t.TempDir(), Onnxruntime: os.Getenv(needRuntime), DecodeMiB: 64}
	if err := g.chooseModel(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(g, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	x, err := p.openParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.index.Set(h.index)
	if err := errors.Join(x.align(t.Context()), x.work(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, x) })
	return x
}

// shut ends what a process has opened.
func shut(t *testing.T, x *parts) {
	t.Helper()
	if err := x.program.close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func newHouse(t *testing.T) (house, string) {
	t.Helper()
	need(t, needRuntime)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 6)
	return house{data: filepath.Join(t.TempDir(), "data"), index: exact.New()}, pictures
}

func indexed(t *testing.T, x *parts, pictures, collection string) {
	t.Helper()
	jobs := webJobs{x.tasks}
	job, err := jobs.IndexFolder(t.Context(), collection, pictures, 0)
	for err == nil && !job.State.Final() {
		time.Sleep(10 * time.Millisecond)
		job, err = jobs.Job(t.Context(), job.ID)
	}
	if err == nil {
		err = x.adopt(t.Context(), collection)
	}
	if err != nil || job.State != web.JobSucceeded {
		t.Fatalf("%+v, %v", job, err)
	}
}

// otherModel is a model of random weights, others for another seed.
func otherModel(t *testing.T, seed uint64) string {
	t.Helper()
	dir := copyModel(t)
	if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil { // it may be read-only
		t.Fatal(err)
	}
	writeRandomWeights(t, dir, seed)
	return dir
}

// wantHits: so many pictures are found by the model of this name.
func wantHits(t *testing.T, x *parts, collection string, count int, model string) {
	t.Helper()
	hits, err := x.Search(t.Context(), collection, "picture", 100)
	if err != nil || len(hits) != count || x.modelName() != model || x.choice().Next != nil {
		t.Errorf("%d hits with %s, next %+v, %v; want %d with %s", len(hits), x.modelName(), x.choice().Next, err, count, model)
	}
}

func settled(t *testing.T, x *parts) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return x.settle(ctx)
}

// TestSwitch: an index that fails leaves all as it was; then the model changes,
// and back again, after which what came later is indexed.
func TestSwitch(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	if err := x.use(t.Context(), usedModel{Model: x.modelName()}, false); err != nil {
		t.Errorf("the model in use: %v", err)
	}
	x.index.Set(refusing{h.index})
	other := otherModel(t, 1)
	if err := x.use(t.Context(), usedModel{Model: other}, true); err != nil {
		t.Fatal(err)
	}
	if err := x.use(t.Context(), usedModel{Model: other}, true); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("a second change while the first goes on: %v", err)
	}
	if err := settled(t, x); !errors.Is(err, errRefused) {
		t.Errorf("an index that refuses gives %v", err)
	}
	x.index.Set(h.index)
	wantHits(t, x, "c", 6, bundledModel)

	if err := x.use(t.Context(), usedModel{Model: other}, false); err != nil {
		t.Fatal(err)
	}
	if err := settled(t, x); err != nil {
		t.Fatalf("the index is there already: %v", err)
	}
	wantHits(t, x, "c", 6, other)
	drawFolder(t, pictures, 7, 8)
	indexed(t, x, pictures, "c")
	wantHits(t, x, "c", 8, other)
	if err := x.rollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		hits, err := x.Search(t.Context(), "c", "picture", 100)
		if err != nil || len(hits) < 6 || time.Now().After(deadline) {
			t.Fatalf("rolled back: %d hits, %v", len(hits), err)
		}
		if len(hits) == 8 {
			break
		}
	}
	if err := x.rollBack(t.Context()); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("rolled back further than there is: %v", err)
	}
}

// TestAdoptWaits: what an index task ends with is not of a model that is being
// replaced.
func TestAdoptWaits(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	x.switching.Lock()
	adopted := make(chan error, 1)
	go func() { adopted <- x.adopt(t.Context(), "c") }()
	select {
	case err := <-adopted:
		t.Errorf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	x.switching.Unlock()
	if err := <-adopted; err != nil {
		t.Error(err)
	}
}

var errRefused = errors.New("refused")

// refusing is an index that cannot be activated.
type refusing struct{ search.Index }

func (refusing) Activate(context.Context, search.Key) error { return errRefused }

// TestSwitchComparesModels: a model that finds nothing is not used unless that
// is accepted.
func TestSwitchComparesModels(t *testing.T) {
	need(t, needDemo)
	h, _ := newHouse(t)
	pictures := trainPictures(t, 20)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	other := otherModel(t, 1)
	for _, force := range []bool{false, true} {
		if err := x.models.expect(must1(t)(x.load(t.Context(), other))); err != nil {
			t.Fatal(err)
		}
		collections, err := x.store.Collections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		indexed(t, x, pictures, "c") // by the next model
		err = x.compareOn(t.Context(), collections[0], x.models.indexing(), force)
		if refused := err != nil && strings.Contains(err.Error(), "searched worse"); refused == force {
			t.Errorf("force %v: %v", force, err)
		}
		if err := x.models.expect(nil); err != nil {
			t.Error(err)
		}
	}
}

func must1(t *testing.T) func(*views, error) *views {
	return func(v *views, err error) *views {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestSwitchSurvivesItsProcess: what one process has begun to prepare, the next
// one completes; what one has left half way, too.
func TestSwitchSurvivesItsProcess(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	indexed(t, x, pictures, "d")
	if err := x.tasks.Stop(t.Context()); err != nil { // nothing more is encoded
		t.Fatal(err)
	}
	other := otherModel(t, 1)
	if err := x.use(t.Context(), usedModel{Model: other}, true); err != nil {
		t.Fatal(err)
	}
	shut(t, x)

	x = h.open(t)
	if next := x.choice().Next; next == nil || next.Model != other || len(next.Tasks) != 2 || x.modelName() != bundledModel {
		t.Fatalf("the next process knows of %+v", next)
	}
	if err := settled(t, x); err != nil {
		t.Fatal(err)
	}
	wantHits(t, x, "c", 6, other)
	wantHits(t, x, "d", 6, other)

	// A process that ended after it had noted its choice, and nothing else.
	choice, _ := x.choice().back()
	if err := choice.write(h.data); err != nil {
		t.Fatal(err)
	}
	shut(t, x)
	x = h.open(t)
	wantHits(t, x, "c", 6, bundledModel)
	wantHits(t, x, "d", 6, bundledModel)
}

// TestSwitchNeedsThePictures: without them nothing is begun.
func TestSwitchNeedsThePictures(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	indexed(t, x, pictures, "c")
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}
	err := x.use(t.Context(), usedModel{Model: otherModel(t, 1)}, true)
	if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), pictures) {
		t.Errorf("without the folder: %v", err)
	}
	wantHits(t, x, "c", 6, bundledModel)
	x.program.globals.named = true
	if err := x.use(t.Context(), usedModel{Model: otherModel(t, 1)}, true); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "--model") {
		t.Errorf("where the command line names the model: %v", err)
	}
}

// TestBrokenChoice: a damaged note is named, with a way out.
func TestBrokenChoice(t *testing.T) {
	for _, content := range []string{"{", `{"model":""}`} {
		data := t.TempDir()
		writeFile(t, filepath.Join(data, choiceFile), content)
		if _, err := readChoice(data); err == nil || !strings.Contains(err.Error(), "--model") || !strings.Contains(err.Error(), choiceFile) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if choice, err := readChoice(t.TempDir()); err != nil || choice.Model != bundledModel {
		t.Errorf("no note gives %+v, %v", choice, err)
	}
}
