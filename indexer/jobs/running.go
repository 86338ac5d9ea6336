package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"polylens/indexer/catalog"
)

// progressEvery is the least time between two writes of a job's progress.
const progressEvery = 250 * time.Millisecond

// Running is a job in the hands of a handler.
type Running struct {
	// Job is as it was when it was taken; Progress is that of earlier attempts.
	catalog.Job

	queue    *Queue
	kind     Kind
	settings Settings
	log      *slog.Logger
	ctx      context.Context // of the handler
	end      context.CancelCauseFunc
	over     chan struct{} // closed when the job has been concluded
	reported chan struct{} // capacity 1: a report waits
	writing  chan struct{} // capacity 1: full while progress is written, so that reports stay in order
	isLost   atomic.Bool   // the lease
	renewed  time.Time     // when the call that last renewed the lease began; only keep uses it

	mu      sync.Mutex
	pending json.RawMessage // progress that is not written yet; nil: none
	written time.Time       // when progress was last written
}

func newRunning(ctx context.Context, w *Worker, job catalog.Job, began time.Time) *Running {
	work, end := context.WithCancelCause(ctx)
	return &Running{
		Job: job, queue: w.queue, kind: w.queue.kinds[job.Kind], settings: w.settings,
		log: w.settings.Log.With("job", job.ID, "kind", job.Kind, "collection", job.Collection),
		ctx: work, end: end, renewed: began,
		over: make(chan struct{}), reported: make(chan struct{}, 1), writing: make(chan struct{}, 1),
	}
}

// Report keeps how far the job has come, as JSON. It writes a few times a second
// at most; the last report is written soon after. It fails with
// catalog.ErrLeaseLost when the job may be another's by now: then the handler should
// return. A database that does not answer is no error: the report waits.
func (r *Running) Report(ctx context.Context, progress any) error {
	data, err := json.Marshal(progress)
	if err != nil {
		return fmt.Errorf("progress of job %s is %w: %w", r.ID, catalog.ErrInvalid, err)
	}
	r.mu.Lock()
	r.pending = data
	due := time.Since(r.written) >= progressEvery
	r.mu.Unlock()
	if due {
		return r.flush(ctx)
	}
	select {
	case r.reported <- struct{}{}:
	default:
	}
	return r.lost()
}

// lose ends the handler's context, unless that has happened already, and prevents
// all further writes.
func (r *Running) lose() {
	r.isLost.Store(true)
	r.end(catalog.ErrLeaseLost)
}

func (r *Running) lost() error {
	if r.isLost.Load() {
		return fmt.Errorf("job %s: %w", r.ID, catalog.ErrLeaseLost)
	}
	return nil
}

// flush writes the report that waits. It fails only when the lease is lost.
func (r *Running) flush(ctx context.Context) error {
	err := r.write(ctx, nil)
	if err == nil || errors.Is(err, catalog.ErrLeaseLost) {
		return err
	}
	if lost := r.lost(); lost != nil { // which has ended ctx just now
		return lost
	}
	r.log.Warn("cannot write progress of job, it waits", "error", err)
	return nil
}

// write writes the report that waits, if any, and with it a change, unless nil.
func (r *Running) write(ctx context.Context, change func(job *catalog.Job, now time.Time) error) error {
	select {
	case r.writing <- struct{}{}:
		defer func() { <-r.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := r.lost(); err != nil {
		return err
	}
	data := r.takePending()
	if data == nil && change == nil {
		return nil
	}
	err := r.change(ctx, func(job *catalog.Job, now time.Time) error {
		if data != nil {
			job.Progress = data
		}
		if change == nil {
			return nil
		}
		return change(job, now)
	})
	if errors.Is(err, catalog.ErrLeaseLost) {
		r.lose()
	} else if err != nil {
		r.putBack(data)
	}
	return err
}

func (r *Running) takePending() json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	data := r.pending
	r.pending, r.written = nil, time.Now()
	return data
}

// putBack keeps a report that could not be written, unless a newer one waits.
func (r *Running) putBack(data json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		r.pending = data
	}
}

// change changes the job as its holder: catalog.ErrLeaseLost once it is not.
func (r *Running) change(ctx context.Context, change func(job *catalog.Job, now time.Time) error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	_, err := r.queue.change(ctx, r.ID, func(job *catalog.Job, now time.Time) error {
		if job.Lease != r.Lease {
			return fmt.Errorf("job %s: %w", r.ID, catalog.ErrLeaseLost)
		}
		return change(job, now)
	})
	if errors.Is(err, catalog.ErrNotFound) {
		return fmt.Errorf("%w: %w", catalog.ErrLeaseLost, err)
	}
	return err
}

// notice ends the handler's context when somebody wants that, or took the job.
func (r *Running) notice(job catalog.Job) {
	switch {
	case job.Lease != r.Lease:
		r.lose()
	case job.Wanted == catalog.JobCanceled:
		r.end(ErrCanceled)
	case job.Wanted == catalog.JobPaused:
		r.end(ErrPaused)
	}
}

// handle calls the handler. A panic is an error like any other: it must not take
// the process and its other jobs with it.
func (r *Running) handle() (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			r.log.Error("handler of job panicked", "reason", reason, "stack", string(debug.Stack()))
			err = fmt.Errorf("the handler of %s jobs panicked: %v", r.Kind, reason)
		}
	}()
	return r.kind.Handle(r.ctx, r)
}

// keep renews the lease until the job is over or lost.
func (r *Running) keep() {
	ctx := context.WithoutCancel(r.ctx)
	beat := time.NewTimer(r.settings.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.over:
			return
		case <-beat.C:
		}
		next, err := r.renew(ctx)
		if err != nil {
			r.log.Warn("lost the lease of a job", "error", err)
			r.lose()
			return
		}
		beat.Reset(next)
	}
}

// saveReports writes reports that came too soon after the one before.
func (r *Running) saveReports() {
	ctx := context.WithoutCancel(r.ctx)
	for {
		select {
		case <-r.over:
			return
		case <-r.reported:
		}
		if !r.pause() || r.flush(ctx) != nil {
			return
		}
	}
}

// pause waits until progress may be written again, and returns false when the
// job is over.
func (r *Running) pause() bool {
	timer := time.NewTimer(progressEvery)
	defer timer.Stop()
	select {
	case <-r.over:
		return false
	case <-timer.C:
		return true
	}
}

// renew gives a sign of life and returns when the next is due. A lease that
// could not be renewed in time is lost: another worker may have the job.
func (r *Running) renew(ctx context.Context) (next time.Duration, err error) {
	began := time.Now()
	ctx, cancel := context.WithDeadline(ctx, r.renewed.Add(r.settings.Lease))
	defer cancel()
	err = r.queue.store.Renew(ctx, r.ID, r.Lease, r.settings.Lease)
	r.queue.troubles.note(r.ID, err)
	if err == nil {
		r.renewed = began
		return r.settings.Heartbeat, nil
	}
	left := r.settings.Lease - time.Since(r.renewed)
	if errors.Is(err, catalog.ErrLeaseLost) || left <= 0 {
		return 0, err
	}
	r.log.Warn("cannot renew the lease of a job, trying again", "error", err)
	return min(r.settings.Poll, left), nil
}
