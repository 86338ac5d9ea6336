package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// tellsCanceled is a kind that runs until its context ends, and passes on the IDs
// of canceled jobs.
func tellsCanceled(told chan<- string) jobs.Kind {
	return jobs.Kind{
		Name:   "a",
		Handle: func(ctx context.Context, _ *jobs.Running) error { <-ctx.Done(); return ctx.Err() },
		Canceled: func(_ context.Context, job catalog.Job) error {
			told <- job.ID
			return nil
		},
	}
}

// TestCanceledIsTold: a kind hears of a job that was canceled, also when its
// handler heard of a pause before, or was that of a process that is gone.
func TestCanceledIsTold(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		told := make(chan string, 10)
		wantTold := func(p *process, id string) {
			t.Helper()
			p.awaitState(t, id, catalog.JobCanceled)
			time.Sleep(time.Second)
			if len(told) != 1 || <-told != id {
				t.Errorf("of job %s the kind was not told once", id)
			}
		}
		waits := w.open(tellsCanceled(told))
		job := waits.enqueue(t, jobs.Order{Kind: "a"})
		if _, err := waits.Cancel(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		wantTold(waits, job.ID)

		p := w.work(jobs.Settings{}, tellsCanceled(told))
		job = p.enqueue(t, jobs.Order{Kind: "a"})
		p.awaitState(t, job.ID, catalog.JobRunning)
		_, err := p.Pause(t.Context(), job.ID)
		if _, canceled := p.Cancel(t.Context(), job.ID); err != nil || canceled != nil {
			t.Fatal(err, canceled)
		}
		wantTold(p, job.ID)

		silent := p
		job = silent.enqueue(t, jobs.Order{Kind: "a"})
		silent.awaitState(t, job.ID, catalog.JobRunning)
		silent.setCut(errSilent)
		if _, err := waits.Cancel(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		other := w.work(jobs.Settings{}, tellsCanceled(told))
		wantTold(other, job.ID)
	})
}

// TestCanceledIsToldAfterTheEnd: a worker that is alone tells of what was canceled
// while another ran it that is gone.
func TestCanceledIsToldAfterTheEnd(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		told := make(chan string, 10)
		queue := w.open(tellsCanceled(told))
		job := queue.enqueue(t, jobs.Order{Kind: "a"})
		claim := catalog.JobClaim{Room: map[string]int{"a": 1}, Most: 1, Lease: time.Hour}
		_, err := queue.Claim(t.Context(), claim)
		_, canceled := queue.Cancel(t.Context(), job.ID)
		if err := errors.Join(err, canceled); err != nil {
			t.Fatal(err)
		}
		w.work(jobs.Settings{Alone: true}, tellsCanceled(told))
		queue.awaitState(t, job.ID, catalog.JobCanceled)
		time.Sleep(time.Second)
		if len(told) != 1 || <-told != job.ID {
			t.Error("the kind was not told once")
		}
	})
}
