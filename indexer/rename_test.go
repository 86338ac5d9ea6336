package indexer

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// indexed runs once into a collection of this name, which must succeed.
func (b *bench) indexed(t *testing.T, name string) Report {
	t.Helper()
	request := b.request(t)
	request.Collection = name
	report, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// rows are the IDs that the index of a collection holds.
func (b *bench) rowIDs(id catalog.CollectionID) []string {
	return slices.Sorted(maps.Keys(b.index.rows[string(id)+"/f1"]))
}

// TestRenamedCollection: indexing it again encodes, sends and removes nothing, and
// what is removed later disappears from the index that it had before.
func TestRenamedCollection(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2), "bad.png": []byte("no picture")})
	wantCounts(t, "first", b.indexed(t, "c"), counts{encoded: 2, failed: 1})
	before := b.rowIDs("c")
	if _, err := b.store.RenameCollection(t.Context(), "c", "new"); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "renamed", b.indexed(t, "new"), counts{skipped: 2, failed: 1})
	if after := b.rowIDs("c"); !slices.Equal(after, before) || len(b.index.rows) != 1 {
		t.Errorf("the index holds %v of %d collections, and held %v", after, len(b.index.rows), before)
	}
	if report, err := b.Check(t.Context(), "new"); err != nil || report != (CheckReport{Images: 2}) {
		t.Errorf("check: %+v, %v", report, err)
	}
	if report, err := b.Rebuild(t.Context(), "new"); err != nil || report != (CheckReport{Images: 2, Repaired: 2}) {
		t.Errorf("rebuild: %+v, %v", report, err)
	}
	if err := os.Remove(filepath.Join(b.folder, "a.png")); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "a picture is gone", b.indexed(t, "new"), counts{skipped: 1, failed: 1, removed: 1})
	if len(b.rowIDs("c")) != 1 {
		t.Errorf("the index holds %v", b.rowIDs("c"))
	}
	if err := b.DeleteImages(t.Context(), "new", before); err != nil || len(b.rowIDs("c")) != 0 {
		t.Errorf("the index holds %v, %v", b.rowIDs("c"), err)
	}
	if err := b.DeleteCollection(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	if _, left := b.index.rows["c/f1"]; left {
		t.Error("the index is left")
	}
}

// TestOldNameAnew: a collection of the old name has images and an index of its own.
func TestOldNameAnew(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.indexed(t, "c")
	if _, err := b.store.RenameCollection(t.Context(), "c", "new"); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "the old name anew", b.indexed(t, "c"), counts{reused: 2})
	anew, err := b.store.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	own, other := b.rowIDs(anew.ID), b.rowIDs("c")
	if len(own) != 2 || len(other) != 2 || slices.ContainsFunc(own, func(id string) bool { return slices.Contains(other, id) }) {
		t.Errorf("the indexes hold %v and %v", own, other)
	}
	if err := b.DeleteCollection(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if len(b.rowIDs("c")) != 2 || b.rowIDs(anew.ID) != nil {
		t.Errorf("the indexes hold %v and %v", b.rowIDs(anew.ID), b.rowIDs("c"))
	}
	wantCounts(t, "the renamed one", b.indexed(t, "new"), counts{skipped: 2})
}

// TestPicturesOfRenamedCollection: thumbnails and originals are found by the new
// name alone.
func TestPicturesOfRenamedCollection(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.indexed(t, "c")
	id := b.image(t, "a.png").ID
	pictures, err := NewPictures(t.TempDir(), b.store, nil, testDecoder)
	if err != nil {
		t.Fatal(err)
	}
	before, err := pictures.Thumbnail(t.Context(), "c", id, 128)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.RenameCollection(t.Context(), "c", "new"); err != nil {
		t.Fatal(err)
	}
	if after, err := pictures.Thumbnail(t.Context(), "new", id, 128); err != nil || !slices.Equal(after.Data, before.Data) {
		t.Errorf("%d bytes after %d, %v", len(after.Data), len(before.Data), err)
	}
	original, err := pictures.Original(t.Context(), "new", id)
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	if content, err := io.ReadAll(original); err != nil || !slices.Equal(content, picture(1)) {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	if _, err := pictures.Thumbnail(t.Context(), "c", id, 128); !errors.Is(err, catalog.ErrImageNotFound) {
		t.Errorf("by the old name: %v", err)
	}
}

// TestJobsOfRenamedCollection: one that runs is in the way; one that waits goes on
// into the renamed collection.
func TestJobsOfRenamedCollection(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.indexed(t, "c")
	queue, worker := newJobs(t, b, 1)
	job, err := queue.Index(t.Context(), "c", JobParams{Directory: b.folder})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.RenameCollection(t.Context(), "c", "new"); err != nil {
		t.Fatal(err)
	}
	unlock, err := b.locks.lock(t.Context(), "new") // the job has to wait in the middle
	if err != nil {
		t.Fatal(err)
	}
	worker.Start(t.Context())
	t.Cleanup(func() { stopJobs(t, worker) })
	wait := func(over func(catalog.JobState) bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if job, err = queue.Get(t.Context(), job.ID); err != nil || time.Now().After(deadline) {
				t.Fatalf("%+v, %v", job, err)
			}
			if over(job.State) {
				return
			}
		}
	}
	wait(func(s catalog.JobState) bool { return s == catalog.JobRunning })
	if _, err := b.store.RenameCollection(t.Context(), "new", "third"); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("while a job runs: %v", err)
	}
	unlock()
	wait(catalog.JobState.Finished)
	all, err := b.store.Collections(t.Context())
	if err != nil || job.State != catalog.JobSucceeded || job.Collection != "new" || len(all) != 1 || all[0].Images != 1 {
		t.Errorf("job %+v, collections %+v, %v", job, all, err)
	}
}
