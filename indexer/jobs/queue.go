package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

// Queue takes orders and answers about jobs. A Worker runs them, in this process
// or in others.
type Queue struct {
	store    Store
	kinds    map[string]Kind
	bell     bell // rung after every change by this process
	troubles troubles
	works    atomic.Bool // a worker of this process runs its jobs
}

// New makes a queue for kinds of jobs. A kind without name or handler, or a second
// one with the same name, is catalog.ErrInvalid.
func New(store Store, kinds ...Kind) (*Queue, error) {
	q := &Queue{store: store, kinds: make(map[string]Kind, len(kinds))}
	for _, kind := range kinds {
		kind, err := kind.complete()
		if err != nil {
			return nil, err
		}
		if _, twice := q.kinds[kind.Name]; twice {
			return nil, fmt.Errorf("kind of jobs %q is %w: it is registered twice", kind.Name, catalog.ErrInvalid)
		}
		q.kinds[kind.Name] = kind
	}
	return q, nil
}

// Order is a job to be done.
type Order struct {
	Kind       string
	Collection string    // empty: none
	Params     any       // for the handler, as JSON
	Priority   int       // higher is sooner; a job waits for as long as there are jobs of higher priority
	RunAfter   time.Time // not before; zero: at once

	Scan *catalog.Scan // of a kept source; catalog.ErrConflict when it is not its turn
}

// Enqueue adds a job. A kind that is not registered, a collection that cannot be
// one, and params that JSON cannot hold are catalog.ErrInvalid.
func (q *Queue) Enqueue(ctx context.Context, order Order) (catalog.Job, error) {
	jobs, err := q.EnqueueAll(ctx, []Order{order})
	if err != nil {
		return catalog.Job{}, err
	}
	return jobs[0], nil
}

// EnqueueAll adds jobs, all or none.
func (q *Queue) EnqueueAll(ctx context.Context, orders []Order) ([]catalog.Job, error) {
	jobs := make([]catalog.Job, len(orders))
	for i, order := range orders {
		job, err := q.newJob(order)
		if err != nil {
			return nil, err
		}
		jobs[i] = job
	}
	jobs, err := q.store.Insert(ctx, jobs)
	q.bell.ring()
	return jobs, err
}

func (q *Queue) newJob(order Order) (catalog.Job, error) {
	kind, known := q.kinds[order.Kind]
	if !known {
		return catalog.Job{}, fmt.Errorf("kind of jobs %.40q is %w: it is not registered", order.Kind, catalog.ErrInvalid)
	}
	if order.Collection != "" {
		if err := catalog.ValidateCollectionName(order.Collection); err != nil {
			return catalog.Job{}, err
		}
	}
	params, err := json.Marshal(order.Params)
	if err != nil {
		return catalog.Job{}, fmt.Errorf("parameters of %s job are %w: %w", order.Kind, catalog.ErrInvalid, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return catalog.Job{}, fmt.Errorf("make job id: %w", err)
	}
	return catalog.Job{
		ID: id.String(), Kind: kind.Name, Collection: order.Collection, State: catalog.JobQueued,
		Priority: order.Priority, Params: params, Progress: json.RawMessage("{}"), RunAfter: order.RunAfter,
		Exclusive: kind.Exclusive(order.Collection), Scan: order.Scan,
	}, nil
}

// Get returns a job, or catalog.ErrNotFound.
func (q *Queue) Get(ctx context.Context, id string) (catalog.Job, error) {
	job, err := q.store.Get(ctx, id)
	return q.troubles.tell(job, time.Now()), err
}

// List returns jobs, newest first. To read on, pass the last one's ID as Before.
func (q *Queue) List(ctx context.Context, filter catalog.JobFilter) ([]catalog.Job, error) {
	return q.tell(q.store.List(ctx, filter))
}

// Cancel ends a job that waits or is paused. One that runs is canceled as soon
// as its handler returns, wherever it runs, unless the job succeeds before that.
// catalog.ErrConflict when it is finished. When the disk of the catalogue is full, a
// process that runs jobs cancels it all the same, and writes that when there is room.
func (q *Queue) Cancel(ctx context.Context, id string) (catalog.Job, error) {
	job, err := q.change(ctx, id, cancelJob)
	if disk.IsFull(err) {
		return q.cancelLater(ctx, id, err)
	}
	if err == nil {
		err = q.tellCanceled(ctx, job)
	}
	return job, err
}

func cancelJob(job *catalog.Job, now time.Time) error {
	if job.State == catalog.JobRunning {
		job.Wanted = catalog.JobCanceled
		return nil
	}
	return job.Move(catalog.JobCanceled, now)
}

// tellCanceled tells the kind of a job that has just been changed if it was
// canceled by that.
func (q *Queue) tellCanceled(ctx context.Context, job catalog.Job) error {
	told := q.kinds[job.Kind].Canceled
	if told == nil || job.State != catalog.JobCanceled {
		return nil
	}
	if err := told(ctx, job); err != nil {
		return fmt.Errorf("job %s is canceled, and what it was for is not: %w", job.ID, err)
	}
	return nil
}

// Pause keeps a queued job waiting until it is resumed. One that runs is paused as
// soon as its handler returns. catalog.ErrConflict when it is paused already, being
// canceled, or finished.
func (q *Queue) Pause(ctx context.Context, id string) (catalog.Job, error) {
	return q.change(ctx, id, func(job *catalog.Job, now time.Time) error {
		if job.Wanted == catalog.JobCanceled {
			return catalog.Conflict("job %s is being canceled: wait until it is, and retry it if it is to go on", id)
		}
		if job.State == catalog.JobRunning {
			job.Wanted = catalog.JobPaused
			return nil
		}
		return job.Move(catalog.JobPaused, now)
	})
}

// Resume puts a paused job back into the queue, and takes back a pause that has
// not taken effect yet. catalog.ErrConflict for others.
func (q *Queue) Resume(ctx context.Context, id string) (catalog.Job, error) {
	return q.change(ctx, id, func(job *catalog.Job, now time.Time) error {
		switch {
		case job.State == catalog.JobRunning && job.Wanted == catalog.JobPaused:
			job.Wanted = ""
			return nil
		case job.State == catalog.JobPaused:
			return job.Move(catalog.JobQueued, now)
		}
		return catalog.Conflict("job %s is %s: only a paused one can be resumed, and a failed or canceled one retried", id, job.State)
	})
}

// Retry puts a failed or canceled job back into the queue, with all its attempts
// before it; its progress stays. catalog.ErrConflict for others, and when its kind refuses.
func (q *Queue) Retry(ctx context.Context, id string) (catalog.Job, error) {
	if err := q.mayRetry(ctx, id); err != nil {
		return catalog.Job{}, err
	}
	return q.change(ctx, id, func(job *catalog.Job, now time.Time) error {
		if job.State != catalog.JobFailed && job.State != catalog.JobCanceled {
			return catalog.Conflict("job %s is %s: only a failed or canceled one can be retried", id, job.State)
		}
		job.Error, job.Failures, job.Losses = "", 0, 0
		job.RunAfter, job.Started = time.Time{}, time.Time{}
		return job.Move(catalog.JobQueued, now)
	})
}

// mayRetry asks the kind of a job that has ended. What it says may be out of date when
// the job is put into the queue: then its handler fails.
func (q *Queue) mayRetry(ctx context.Context, id string) error {
	job, err := q.store.Get(ctx, id)
	ask := q.kinds[job.Kind].Retry
	if err != nil || ask == nil || !job.State.MayBecome(catalog.JobQueued) || !job.State.Finished() {
		return err
	}
	return ask(ctx, job)
}

func (q *Queue) change(ctx context.Context, id string, change func(*catalog.Job, time.Time) error) (catalog.Job, error) {
	job, err := q.store.Change(ctx, id, func(job *catalog.Job, now time.Time) error {
		if job.State == catalog.JobRunning && q.troubles.wantsCanceled(id) {
			job.Wanted = catalog.JobCanceled
		}
		return change(job, now)
	})
	q.troubles.note(id, err)
	if err == nil && job.State.Finished() {
		q.troubles.settle(id)
	}
	q.bell.ring()
	return job, err
}
