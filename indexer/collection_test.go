package indexer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"polylens/indexer/catalog"
)

// newNaFlexBench is a bench whose model leaves a choice, with two pictures.
func newNaFlexBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, Options{})
	b.encoder.maxPatches = 256
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	return b
}

// runWith is one run that must succeed and chooses maxPatches.
func (b *bench) runWith(t *testing.T, collection string, maxPatches int) Report {
	t.Helper()
	request := b.request(t)
	request.Collection, request.MaxPatches = collection, maxPatches
	report, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantChoice checks what a collection chose, what its searches use, and that
// an index for both holds all pictures.
func (b *bench) wantChoice(t *testing.T, step, name string, chosen, searched int, indexes ...string) {
	t.Helper()
	c, err := b.store.Collection(t.Context(), name)
	if err != nil || c.MaxPatches != chosen || c.SearchedMaxPatches != searched {
		t.Errorf("%s: %+v, %v; want %d chosen and %d searched", step, c, err, chosen, searched)
	}
	if c.Fingerprint != indexes[0] {
		t.Errorf("%s: searches use %q, want %q", step, c.Fingerprint, indexes[0])
	}
	for _, fingerprint := range indexes {
		if rows := len(b.index.rows[name+"/"+fingerprint]); rows != 2 {
			t.Errorf("%s: the index of %s holds %d rows", step, fingerprint, rows)
		}
	}
}

func TestCollectionsChooseMaxPatches(t *testing.T) {
	b := newNaFlexBench(t)
	wantCounts(t, "first", b.runWith(t, "c", 64), counts{encoded: 2})
	b.wantChoice(t, "first", "c", 64, 64, "f1-64")
	wantCounts(t, "again", b.runWith(t, "c", 0), counts{skipped: 2})
	wantCounts(t, "the same", b.runWith(t, "c", 64), counts{skipped: 2})

	wantCounts(t, "another", b.runWith(t, "c", 128), counts{encoded: 2})
	b.wantChoice(t, "another", "c", 128, 64, "f1-64", "f1-128")
	wantCounts(t, "it is kept", b.runWith(t, "c", 0), counts{skipped: 2})
	wantCounts(t, "back", b.runWith(t, "c", 64), counts{skipped: 2})

	wantCounts(t, "no choice", b.runWith(t, "d", 0), counts{encoded: 2})
	b.wantChoice(t, "no choice", "d", 0, 0, "f1")
	wantCounts(t, "the model's own", b.runWith(t, "d", 256), counts{skipped: 2})
	b.wantChoice(t, "the model's own", "d", 256, 0, "f1")
	wantCounts(t, "vectors of the other collection", b.runWith(t, "d", 128), counts{skipped: 2})
	b.wantChoice(t, "vectors of the other collection", "d", 128, 0, "f1", "f1-128")

	id := catalog.ImageID("c", b.request(t).Source.Name()+"/a.png")
	coarse, err := b.store.Vector(t.Context(), "c", id, "f1-64")
	if err != nil {
		t.Fatal(err)
	}
	own, err := b.store.Vector(t.Context(), "d", catalog.ImageID("d", b.request(t).Source.Name()+"/a.png"), "f1")
	if err != nil || fmt.Sprint(own) == fmt.Sprint(coarse) {
		t.Errorf("both choices gave %v, %v", own, err)
	}
}

// TestFixedResolutionLeavesNoChoice: the number that a collection chose with
// another model is no obstacle, and is kept.
func TestFixedResolutionLeavesNoChoice(t *testing.T) {
	b := newNaFlexBench(t)
	b.runWith(t, "c", 64)
	b.encoder.maxPatches = 0
	wantCounts(t, "fixed resolution", b.runWith(t, "c", 0), counts{encoded: 2})
	b.wantChoice(t, "fixed resolution", "c", 64, 64, "f1-64", "f1")
}

func TestRunRefusesMaxPatches(t *testing.T) {
	for name, test := range map[string]struct {
		own, asked int
		want       string
	}{
		"too few":          {256, 63, "64 to 1024"},
		"too many":         {256, 1025, "64 to 1024"},
		"negative":         {256, -1, "64 to 1024"},
		"fixed resolution": {0, 64, "one resolution"},
	} {
		b := newNaFlexBench(t)
		b.encoder.maxPatches = test.own
		request := b.request(t)
		request.MaxPatches = test.asked
		_, err := b.Run(t.Context(), request, nil)
		_, enqueueErr := b.enqueue(t, test.asked)
		for _, err := range []error{err, enqueueErr} {
			if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want ErrInvalid with %q", name, err, test.want)
			}
		}
		if _, err := b.store.Collection(t.Context(), "c"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s: the collection was made, %v", name, err)
		}
	}
}

func (b *bench) enqueue(t *testing.T, maxPatches int) (catalog.Job, error) {
	queue, _ := newJobs(t, b, 1)
	return queue.Index(t.Context(), "c", JobParams{Directory: b.folder, MaxPatches: maxPatches})
}

// TestJobChoosesMaxPatches: the choice is part of the job, so that it
// survives a restart before the job begins.
func TestJobChoosesMaxPatches(t *testing.T) {
	b := newNaFlexBench(t)
	job, err := b.enqueue(t, 128)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, startJobs(t, b), job.ID, catalog.JobSucceeded)
	b.wantChoice(t, "job", "c", 128, 128, "f1-128")
}

// TestPixelsInMemory: a run holds no more preprocessed pictures than Options
// says, even when a folder is full of copies.
func TestPixelsInMemory(t *testing.T) {
	const workers, batch = 3, 4
	b := newBench(t, Options{Workers: workers, Batch: batch})
	b.encoder.watch = true
	files := make(map[string][]byte)
	for i := range 60 {
		files[fmt.Sprintf("copy-%02d.png", i)] = picture(0)
		files[fmt.Sprintf("original-%02d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	b.run(t)
	if most := 3*batch + 2*workers; b.encoder.alive > most || b.encoder.alive <= batch {
		t.Errorf("%d preprocessed pictures were in memory at once, want more than a batch and at most %d", b.encoder.alive, most)
	}
}
