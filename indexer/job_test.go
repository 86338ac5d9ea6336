package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// newJobs returns a queue over a bench and a worker with a number of slots.
func newJobs(t *testing.T, b *bench, slots int) (*Jobs, *jobs.Worker) {
	t.Helper()
	kinds := b.Kinds(nil)
	for i := range kinds {
		kinds[i].PerProcess = slots
	}
	queue, err := jobs.New(b.store.Jobs(nil), kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return NewJobs(queue, b.Indexer), jobs.NewWorker(queue, jobs.Settings{Slots: slots, Alone: true})
}

// startJobs starts a worker over a bench and stops it at the end of the test.
func startJobs(t *testing.T, b *bench) *Jobs {
	t.Helper()
	queue, worker := newJobs(t, b, 2)
	worker.Start(t.Context())
	t.Cleanup(func() { stopJobs(t, worker) })
	return queue
}

func stopJobs(t *testing.T, worker *jobs.Worker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := worker.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// waitFor waits until a job is in a state.
func waitFor(t *testing.T, queue *Jobs, id string, want catalog.JobState) catalog.Job {
	t.Helper()
	var job catalog.Job
	for range 1000 {
		var err error
		if job, err = queue.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if job.State == want {
			return job
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("job is %+v, want it %s", job, want)
	return job
}

func enqueue(t *testing.T, queue *Jobs, b *bench, collection string) catalog.Job {
	t.Helper()
	job, err := queue.Index(t.Context(), collection, JobParams{Directory: b.folder})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func fill(t *testing.T, b *bench, n int) {
	t.Helper()
	files := make(map[string][]byte)
	for i := range n {
		files[fmt.Sprintf("%03d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
}

func TestJobRunsAndTells(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 500 * time.Millisecond // so that progress is written a few times
	fill(t, b, 30)
	queue := startJobs(t, b)
	job := enqueue(t, queue, b, "c")
	seen := make(map[catalog.JobState]int)
	errEnded := errors.New("ended")
	err := queue.Follow(t.Context(), 0, func(changed []catalog.Job) error {
		for _, changed := range changed {
			if changed.ID != job.ID {
				t.Errorf("told of job %s", changed.ID)
			}
			seen[changed.State]++
			if changed.State.Finished() {
				return errEnded
			}
		}
		return nil
	})
	if !errors.Is(err, errEnded) || seen[catalog.JobRunning] < 3 || seen[catalog.JobSucceeded] != 1 {
		t.Errorf("told of states %v, %v", seen, err)
	}
	ended := waitFor(t, queue, job.ID, catalog.JobSucceeded)
	var report Report
	if err := json.Unmarshal(ended.Progress, &report); err != nil || report.Encoded != 30 || report.State != StateDone {
		t.Errorf("progress %s, %v", ended.Progress, err)
	}
	if list, err := queue.List(t.Context(), catalog.JobFilter{Collection: "c"}); err != nil || len(list) != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	for kind, repaired := range map[string]int{JobCheck: 0, JobRepair: 0, JobRebuild: 30} {
		check, err := queue.Check(t.Context(), CheckOrder{Collection: "c", Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"images":30,"missing":0,"extra":0,"outdated":0,"repaired":%d}`, repaired)
		if ended := waitFor(t, queue, check.ID, catalog.JobSucceeded); ended.Kind != kind || string(ended.Progress) != want {
			t.Errorf("%s: %s, want %s", kind, ended.Progress, want)
		}
	}
}

func TestJobsOfACollectionQueue(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 150 * time.Millisecond
	fill(t, b, 16)
	queue := startJobs(t, b)
	first, second, other := enqueue(t, queue, b, "c"), enqueue(t, queue, b, "c"), enqueue(t, queue, b, "d")
	waitFor(t, queue, first.ID, catalog.JobRunning)
	waitFor(t, queue, other.ID, catalog.JobRunning)
	if waiting := waitFor(t, queue, second.ID, catalog.JobQueued); !waiting.Started.IsZero() {
		t.Errorf("two tasks of one collection ran at once: %+v", waiting)
	}
	done := waitFor(t, queue, first.ID, catalog.JobSucceeded)
	next := waitFor(t, queue, second.ID, catalog.JobSucceeded)
	if next.Started.Before(done.Finished) {
		t.Errorf("the second began %v, before the first ended %v", next.Started, done.Finished)
	}
	waitFor(t, queue, other.ID, catalog.JobSucceeded)
}

func TestJobCancel(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = time.Minute
	fill(t, b, 16)
	queue := startJobs(t, b)
	running, waiting := enqueue(t, queue, b, "c"), enqueue(t, queue, b, "c")
	waitFor(t, queue, running.ID, catalog.JobRunning)
	for _, id := range []string{waiting.ID, running.ID} {
		if _, err := queue.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		waitFor(t, queue, id, catalog.JobCanceled)
	}
	if _, err := queue.Cancel(t.Context(), running.ID); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("canceled twice: got %v, want ErrConflict", err)
	}
	if _, err := queue.Cancel(t.Context(), "unknown"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown task: got %v, want ErrNotFound", err)
	}
}

func TestJobsGoOnAfterRestart(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 40 * time.Millisecond
	fill(t, b, 40)
	queue, worker := newJobs(t, b, 1)
	worker.Start(t.Context())
	job := enqueue(t, queue, b, "c")
	waitFor(t, queue, job.ID, catalog.JobRunning)
	time.Sleep(100 * time.Millisecond)
	stopJobs(t, worker)
	if stopped, err := queue.Get(t.Context(), job.ID); err != nil || stopped.State != catalog.JobQueued {
		t.Errorf("after Stop: %+v, %v; want it queued", stopped, err)
	}
	// A crash would have left it running.
	claim := catalog.JobClaim{Room: map[string]int{JobIndex: 1}, Most: 1, Lease: time.Hour}
	if left, err := b.store.Jobs(nil).Claim(t.Context(), claim); err != nil || len(left) != 1 {
		t.Fatalf("%v, %v", left, err)
	}
	waitFor(t, startJobs(t, b), job.ID, catalog.JobSucceeded)
	b.wantMirror(t)
	if b.encoder.encoded() > 40+2*4 {
		t.Errorf("encoded %d pictures, want at most two batches more than 40", b.encoder.encoded())
	}
}

func TestJobFails(t *testing.T) {
	b := newBench(t, Options{})
	fill(t, b, 1)
	b.index.setDown(errors.New("dimension mismatch"))
	queue := startJobs(t, b)
	if job := waitFor(t, queue, enqueue(t, queue, b, "c").ID, catalog.JobFailed); job.Error == "" || job.Finished.IsZero() {
		t.Errorf("got %+v, want a reason", job)
	}
	for name, test := range map[string]struct {
		order func() (catalog.Job, error)
		want  error
	}{
		"folder": {func() (catalog.Job, error) {
			return queue.Index(t.Context(), "c", JobParams{Directory: b.folder + "/missing"})
		}, catalog.ErrInvalid},
		"name": {func() (catalog.Job, error) { return queue.Index(t.Context(), "C", JobParams{Directory: b.folder}) }, catalog.ErrInvalid},
		"kind": {func() (catalog.Job, error) { return queue.Enqueue(t.Context(), jobs.Order{Kind: "bake"}) }, catalog.ErrInvalid},
		"collection": {func() (catalog.Job, error) {
			return queue.Check(t.Context(), CheckOrder{Collection: "unknown", Kind: JobCheck})
		}, catalog.ErrNotFound},
		"check": {func() (catalog.Job, error) {
			return queue.Check(t.Context(), CheckOrder{Collection: "c", Kind: JobIndex})
		}, catalog.ErrInvalid},
	} {
		if _, err := test.order(); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

// TestDeleteWaitsForNoJob: a collection that a job works on is not deleted under it;
// jobs that wait are canceled with it.
func TestDeleteWaitsForNoJob(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = time.Minute
	fill(t, b, 16)
	queue := startJobs(t, b)
	running, waiting := enqueue(t, queue, b, "c"), enqueue(t, queue, b, "c")
	waitFor(t, queue, running.ID, catalog.JobRunning)
	if err := queue.DeleteCollection(t.Context(), "c"); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), running.ID) {
		t.Errorf("deleted under a job: %v", err)
	}
	if _, err := queue.Cancel(t.Context(), running.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, queue, running.ID, catalog.JobCanceled)
	waitFor(t, queue, waiting.ID, catalog.JobRunning)
	last := enqueue(t, queue, b, "c")
	if _, err := queue.Cancel(t.Context(), waiting.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Pause(t.Context(), last.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, queue, waiting.ID, catalog.JobCanceled)
	if err := queue.DeleteCollection(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, queue, last.ID, catalog.JobCanceled)
	if err := queue.DeleteCollection(t.Context(), "c"); !errors.Is(err, catalog.ErrCollectionNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}
