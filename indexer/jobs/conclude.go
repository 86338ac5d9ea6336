package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

const (
	concludeFor = time.Minute      // for how long a worker tries to write the end of a job
	maxError    = 4000             // bytes of an error that are kept
	roomAfter   = 15 * time.Second // until a job that waits for room on a disk tries again
	backAfter   = 2 * time.Second  // until a job tries again for which something is away
)

// conclude writes how the job ended, and the last report with it.
func (r *Running) conclude(err error) {
	defer r.end(nil)
	cause := context.Cause(r.ctx)
	if cause == nil && r.kind.passing(err) {
		_ = sleep(r.ctx, backAfter) // with its lease, and so in its place
		cause = context.Cause(r.ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), concludeFor)
	defer cancel()
	for written := (complaint{}); ; {
		var ended catalog.Job
		writeErr := r.write(ctx, func(job *catalog.Job, now time.Time) error {
			defer func() { ended = *job }()
			return r.kind.conclude(job, now, err, cause)
		})
		if writeErr == nil {
			r.tell(err, cause)
			if err := r.queue.tellCanceled(ctx, ended); err != nil {
				r.log.Error("a canceled job leaves something undone", "error", err)
			}
			return
		}
		written.about(r.log, "cannot write the end of a job", writeErr)
		if errors.Is(writeErr, catalog.ErrLeaseLost) || sleep(ctx, r.settings.Poll) != nil {
			return
		}
	}
}

func (r *Running) tell(err, cause error) {
	if err != nil && cause == nil && r.kind.Waits && disk.IsFull(err) {
		r.log.Warn("job waits for room on the disk", "error", err)
		return
	}
	if cause == nil && r.kind.passing(err) {
		r.log.Warn("job is tried again: something that it needs has gone away, or has changed", "error", err)
		return
	}
	if err != nil && cause == nil {
		r.log.Error("job failed", "error", err)
		return
	}
	r.log.Debug("job ended", "error", err, "cause", cause)
}

// conclude moves a running job on after its handler returned err. cause is why the
// context had ended by then, nil if it had not.
func (k Kind) conclude(job *catalog.Job, now time.Time, err, cause error) error {
	switch {
	case err == nil:
		job.Error = ""
		return job.Move(catalog.JobSucceeded, now)
	case job.Wanted != "" || cause != nil: // also when a pause was taken back too late
		return letGo(job, now)
	}
	job.Error = cleanError(err)
	if k.Waits && disk.IsFull(err) {
		job.RunAfter = now.Add(roomAfter)
		return job.Move(catalog.JobQueued, now)
	}
	if k.passing(err) { // at once: one that came later must not go before it
		return job.Move(catalog.JobQueued, now)
	}
	job.Failures++
	if job.Failures >= k.Attempts {
		return job.Move(catalog.JobFailed, now)
	}
	job.RunAfter = now.Add(k.Backoff(job.Failures))
	return job.Move(catalog.JobQueued, now)
}

// passing is Passing, where there is one.
func (k Kind) passing(err error) bool { return err != nil && k.Passing != nil && k.Passing(err) }

// cleanError is an error's text as both databases hold it.
func cleanError(err error) string {
	text := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\uFFFD"), "\x00", "")
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + " ..."
	}
	return text
}

// errNotExpired leaves a job alone whose worker is alive after all.
var errNotExpired = errors.New("lease has not ended")

// lose moves a running job on whose worker fell silent.
func (k Kind) lose(job *catalog.Job, now time.Time) error {
	if job.State != catalog.JobRunning || job.Expires.After(now) {
		return errNotExpired
	}
	job.Losses++
	if job.Wanted == "" && job.Losses >= k.Losses {
		job.Error = fmt.Sprintf("%d workers fell silent while they ran this job; perhaps it is the job that ends them", job.Losses)
		return job.Move(catalog.JobFailed, now)
	}
	return letGo(job, now)
}

// letGo moves a running job to the state that somebody wants, or else back into the
// queue.
func letGo(job *catalog.Job, now time.Time) error {
	return job.Move(cmp.Or(job.Wanted, catalog.JobQueued), now)
}
