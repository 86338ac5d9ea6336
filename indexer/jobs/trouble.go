package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

// troubles is what keeps jobs from going on, as far as this process knows. It is
// in memory: the catalogue may stand on the very disk that is full.
type troubles struct {
	mu        sync.Mutex
	held      error                // why no job begins; nil: they do
	unwritten map[string]unwritten // by job
}

// unwritten is what could not be written of a job because the disk was full.
type unwritten struct {
	reason   string
	canceled bool // somebody wants that
}

// Hold lets no worker of this process begin a job, and says why at every job that
// waits. nil lets them begin again.
func (q *Queue) Hold(reason error) {
	q.troubles.mu.Lock()
	defer q.troubles.mu.Unlock()
	q.troubles.held = reason
}

// note keeps why a job could not be written, or forgets that once it could.
func (t *troubles) note(id string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.unwritten[id]
	switch {
	case disk.IsFull(err):
		now.reason = cleanError(err)
		t.keep(id, now)
	case err == nil && !now.canceled:
		delete(t.unwritten, id)
	}
}

func (t *troubles) keep(id string, now unwritten) {
	if t.unwritten == nil {
		t.unwritten = make(map[string]unwritten)
	}
	t.unwritten[id] = now
}

// want keeps that somebody wants a job to be canceled, which could not be written.
func (t *troubles) want(id string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(id, unwritten{reason: cleanError(err), canceled: true})
}

// settle forgets a wish that has been fulfilled, or was too late.
func (t *troubles) settle(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.unwritten, id)
}

// unheard are the jobs that somebody wants to be canceled.
func (t *troubles) unheard() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for id, now := range t.unwritten {
		if now.canceled {
			ids = append(ids, id)
		}
	}
	return ids
}

func (t *troubles) wantsCanceled(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unwritten[id].canceled
}

// tell adds to a job what keeps it from going on.
func (t *troubles) tell(job catalog.Job, now time.Time) catalog.Job {
	t.mu.Lock()
	defer t.mu.Unlock()
	if job.State.Finished() || job.State == catalog.JobPaused && !t.unwritten[job.ID].canceled {
		return job
	}
	known, is := t.unwritten[job.ID]
	switch {
	case is && known.canceled:
		job.Problem = "it will be canceled as soon as that can be written: " + known.reason
		if job.State == catalog.JobRunning {
			job.Wanted = catalog.JobCanceled
		}
	case is:
		job.Problem = known.reason
	case job.State == catalog.JobQueued && t.held != nil:
		job.Problem = cleanError(t.held)
	case job.State == catalog.JobQueued && job.RunAfter.After(now):
		job.Problem = job.Error // of the attempt before
	}
	return job
}

// tell adds to jobs what keeps them from going on.
func (q *Queue) tell(jobs []catalog.Job, err error) ([]catalog.Job, error) {
	now := time.Now()
	for i, job := range jobs {
		jobs[i] = q.troubles.tell(job, now)
	}
	return jobs, err
}

// cancelLater keeps in memory that a job is to be canceled, which could not be written:
// the worker of this process ends it, and writes that when it can.
func (q *Queue) cancelLater(ctx context.Context, id string, why error) (catalog.Job, error) {
	if !q.works.Load() {
		return catalog.Job{}, why
	}
	job, err := q.store.Get(ctx, id)
	if err != nil {
		return job, err
	}
	if job.State.Finished() {
		return job, cancelJob(&job, time.Now())
	}
	q.troubles.want(id, why)
	q.bell.ring()
	return q.troubles.tell(job, time.Now()), nil
}

// hearWishes cancels what somebody wanted to be canceled when that could not be written.
// It fails while it still cannot.
func (w *Worker) hearWishes(ctx context.Context) error {
	for _, id := range w.queue.troubles.unheard() {
		for _, r := range w.present() {
			if r.ID == id {
				r.end(ErrCanceled)
			}
		}
		if err := w.hearWish(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) hearWish(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	job, err := w.queue.change(ctx, id, cancelJob)
	if err != nil && !errors.Is(err, catalog.ErrConflict) && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	w.queue.troubles.settle(id)
	if err == nil {
		w.tellCanceled(ctx, job)
	}
	return nil
}

// complaint logs what happens again and again only at first: a full disk may stay so
// for days.
type complaint struct{ told bool }

func (c *complaint) about(log *slog.Logger, what string, err error) {
	switch {
	case err == nil && c.told:
		log.Info("the disk has room again")
		c.told = false
	case err == nil:
	case !disk.IsFull(err):
		log.Error(what, "error", err)
	case !c.told:
		log.Error(what+"; this is not told again until there is room", "error", err)
		c.told = true
	}
}
