package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/internal/disk"
	"polylens/search"
)

// filledBench is a bench whose collection c holds so many pictures. The folder is gone
// then: nothing can be encoded again.
func filledBench(t *testing.T, pictures int) *bench {
	t.Helper()
	b := newBench(t, Options{})
	files := map[string][]byte{}
	for i := range pictures {
		files[fmt.Sprintf("%d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	b.run(t)
	if err := os.RemoveAll(b.folder); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) survey(t *testing.T) []Loss {
	t.Helper()
	found, err := b.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (b *bench) collection(t *testing.T) catalog.Collection {
	t.Helper()
	found, err := b.store.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// restored queues what a survey found and waits for it.
func (b *bench) restored(t *testing.T, losses []Loss, kind string) {
	t.Helper()
	queue, worker := newJobs(t, b, 2)
	queued, err := queue.Restore(t.Context(), losses)
	if err != nil || len(queued) != 1 {
		t.Fatalf("queued for %+v, %v", queued, err)
	}
	if again, err := queue.Restore(t.Context(), losses); err != nil || len(again) != 0 {
		t.Errorf("queued twice, for %+v, %v", again, err)
	}
	worker.Start(t.Context())
	defer stopJobs(t, worker)
	listed, err := queue.List(t.Context(), catalog.JobFilter{Kind: kind})
	if err != nil || len(listed) != 1 {
		t.Fatalf("%d jobs of kind %s, %v", len(listed), kind, err)
	}
	waitFor(t, queue, listed[0].ID, catalog.JobSucceeded)
	b.wantMirror(t)
	if found := b.survey(t); len(found) > 0 || b.AnyLost() {
		t.Errorf("afterwards: %+v, lost %v", found, b.AnyLost())
	}
}

func TestSurveyOfWholeIndex(t *testing.T) {
	b := filledBench(t, 9)
	if found := b.survey(t); len(found) > 0 || b.AnyLost() {
		t.Errorf("lost are %+v", found)
	}
}

func TestLostIndexIsRebuilt(t *testing.T) {
	b := filledBench(t, 9)
	b.index.rows = map[string]map[string]search.Row{}
	found := b.survey(t)
	if len(found) != 1 || !found[0].Whole || !b.Lost(b.collection(t)) || !b.LostID(b.collection(t).ID) || !strings.Contains(found[0].String(), `"c" is gone`) {
		t.Fatalf("lost are %+v", found)
	}
	b.restored(t, found, JobRebuild)
	if b.encoder.encoded() != 9 {
		t.Errorf("%d pictures were encoded, want the 9 of the first run", b.encoder.encoded())
	}
}

func TestLostRowsAreRepaired(t *testing.T) {
	b := filledBench(t, 9)
	for id := range b.index.rows["c/f1"] {
		delete(b.index.rows["c/f1"], id)
		break
	}
	found := b.survey(t)
	if len(found) != 1 || found[0].Whole || found[0].Held != 8 || found[0].Noted != 9 || b.AnyLost() {
		t.Fatalf("lost are %+v", found)
	}
	b.restored(t, found, JobRepair)
}

// unreadable is an index that cannot be loaded before it is dropped.
type unreadable struct {
	*fakeIndex
	dropped *bool
}

func (u unreadable) Count(ctx context.Context, key search.Key) (int, error) {
	if !*u.dropped {
		return 0, fmt.Errorf("%w: stuck", search.ErrUnreadable)
	}
	return u.fakeIndex.Count(ctx, key)
}

func (u unreadable) IDs(ctx context.Context, key search.Key, yield func(string) error) error {
	if !*u.dropped {
		return search.ErrUnavailable
	}
	return u.fakeIndex.IDs(ctx, key, yield)
}

func (u unreadable) Drop(ctx context.Context, key search.Key) error {
	*u.dropped = true
	return u.fakeIndex.Drop(ctx, key)
}

func TestUnreadableIndexIsDroppedAndRebuilt(t *testing.T) {
	b := filledBench(t, 9)
	b.Indexer.index = unreadable{b.index, new(bool)}
	found := b.survey(t)
	if len(found) != 1 || !found[0].Whole || found[0].Err == nil {
		t.Fatalf("lost are %+v", found)
	}
	b.restored(t, found, JobRebuild)
}

// An index that is away, or being loaded, is not lost.
func TestUnavailableIndexIsNotLost(t *testing.T) {
	b := filledBench(t, 9)
	b.index.setDown(search.ErrUnavailable)
	if found, err := b.Survey(t.Context()); !errors.Is(err, search.ErrUnavailable) || len(found) > 0 || b.AnyLost() {
		t.Errorf("lost are %+v, %v", found, err)
	}
}

// A process that ends in the middle of a rebuild leaves an index that is not whole: the
// next one knows.
func TestRebuildIsRecalled(t *testing.T) {
	b := filledBench(t, 9)
	b.index.rows = map[string]map[string]search.Row{}
	queue, _ := newJobs(t, b, 2)
	if _, err := queue.Restore(t.Context(), b.survey(t)); err != nil {
		t.Fatal(err)
	}
	next := New(b.store, b.encoder, b.index, testDecoder, Options{})
	if next.AnyLost() {
		t.Error("a new process knows too early")
	}
	recalled, err := jobs.New(b.store.Jobs(nil), next.Kinds(nil)...)
	if err == nil {
		err = NewJobs(recalled, next).Recall(t.Context())
	}
	if err != nil || !next.Lost(b.collection(t)) {
		t.Errorf("recalled: %v, %v", next.Lost(b.collection(t)), err)
	}
}

// What the catalogue believes of an index that searches do not use, and that is gone, is
// forgotten: a way back to that model must not lead nowhere.
func TestForgottenIndexOfOtherModel(t *testing.T) {
	b := filledBench(t, 4)
	rows, err := b.store.IndexableIDs(t.Context(), "c", "f1")
	if err != nil {
		t.Fatal(err)
	}
	var indexed []catalog.IndexRow
	for _, id := range rows {
		indexed = append(indexed, catalog.IndexRow{ID: id, Digest: "d"})
	}
	if _, err := b.store.MarkIndexed(t.Context(), "c", "other", indexed); err != nil {
		t.Fatal(err)
	}
	b.survey(t)
	if left, err := b.store.Fingerprints(t.Context(), "c"); err != nil || len(left) != 1 || left[0] != "f1" {
		t.Errorf("left are %v, %v", left, err)
	}
}

// A run on a disk that fills up ends with that reason, and the next one goes on.
func TestRunEndsWithoutRoom(t *testing.T) {
	batches := 0
	b := newBench(t, Options{Room: func() error {
		if batches++; batches == 3 {
			return &disk.FullError{Folder: "/data", Needed: disk.Low}
		}
		return nil
	}})
	files := map[string][]byte{}
	for i := range 20 {
		files[fmt.Sprintf("%d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	if _, err := b.Run(t.Context(), b.request(t), nil); !errors.Is(err, disk.ErrFull) || !strings.Contains(err.Error(), "/data") {
		t.Errorf("on a full disk: %v", err)
	}
	b.run(t)
	b.wantMirror(t)
}

// An index that is away because the disk is full does not make a run wait in vain.
func TestUnavailableForWantOfRoom(t *testing.T) {
	full := false
	b := newBench(t, Options{Room: func() error {
		if full {
			return &disk.FullError{Folder: "/data"}
		}
		return nil
	}})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.run(t)
	b.index.setDown(search.ErrUnavailable)
	full = true
	if _, err := b.Run(t.Context(), b.request(t), nil); !errors.Is(err, disk.ErrFull) {
		t.Errorf("got %v", err)
	}
}

// A rebuild that somebody has paused fills nothing, and so keeps no other from the queue.
func TestPausedRebuildIsNone(t *testing.T) {
	b := filledBench(t, 9)
	b.index.rows = map[string]map[string]search.Row{}
	queue, _ := newJobs(t, b, 2)
	job, err := queue.Check(t.Context(), CheckOrder{Collection: "c", Kind: JobRebuild})
	if err == nil {
		_, err = queue.Pause(t.Context(), job.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if queued, err := queue.Restore(t.Context(), b.survey(t)); err != nil || len(queued) != 1 {
		t.Errorf("queued for %+v, %v", queued, err)
	}
}
