package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/app/rollout"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/search"
	"polylens/search/exact"
)

// use changes the model and waits for it.
func use(t *testing.T, x *parts, model string) {
	t.Helper()
	if err := errors.Join(x.rollout.Use(t.Context(), rollout.Used{Model: model}, true), settled(t, x)); err != nil {
		t.Fatal(err)
	}
}

// house is a data folder with an index that outlives processes.
type house struct {
	data  string
	index search.Index
}

// open opens everything as a process does.
func (h house) open(t *testing.T) *parts {
	t.Helper()
	g := globals{Data: h.data, Cache: t.TempDir(), Onnxruntime: needs.ONNXRuntime(t), DecodeMiB: 64}
	if err := g.chooseModel(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(g, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	x, err := p.openParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.index.Set(h.index)
	if err := errors.Join(x.rollout.Align(t.Context()), x.work(t.Context())); err != nil {
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
	needs.ONNXRuntime(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 6)
	return house{data: filepath.Join(t.TempDir(), "data"), index: exact.New()}, pictures
}

func indexed(t *testing.T, x *parts, pictures, collection string) {
	t.Helper()
	job, err := x.jobs.Index(t.Context(), collection, indexer.JobParams{Directory: pictures})
	for err == nil && !job.State.Finished() {
		time.Sleep(10 * time.Millisecond)
		job, err = x.jobs.Get(t.Context(), job.ID)
	}
	if err != nil || job.State != catalog.JobSucceeded {
		t.Fatalf("%+v, %v", job, err)
	}
}

// otherModel is a model of random weights, which depend on the seed.
func otherModel(t *testing.T, seed uint64) string {
	t.Helper()
	dir := copyModel(t)
	if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil { // it may be read-only
		t.Fatal(err)
	}
	writeRandomWeights(t, dir, seed)
	return dir
}

// wantHits expects so many pictures to be found with the model of this name.
func wantHits(t *testing.T, x *parts, collection string, count int, model string) {
	t.Helper()
	results, err := x.rollout.Searcher(x.service).ByText(t.Context(), collection, "picture", search.Options{Limit: 100})
	if err != nil || len(results.Hits) != count || x.rollout.Name() != model || x.rollout.Choice().Next != nil {
		t.Errorf("%d hits with %s, next %+v, %v; want %d with %s", len(results.Hits), x.rollout.Name(), x.rollout.Choice().Next, err, count, model)
	}
}

func settled(t *testing.T, x *parts) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return x.rollout.Settle(ctx)
}
