package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"polylens/indexer/catalog"
)

// Causes that end the context of a handler, see context.Cause. catalog.ErrLeaseLost
// is another one: then nothing that the handler still does counts.
var (
	ErrCanceled = errors.New("job canceled")
	ErrPaused   = errors.New("job paused")
	ErrStopping = errors.New("worker is stopping") // the job is handed back, to be continued elsewhere
)

// Handler does a job. It should return soon after ctx ends. nil means success;
// an error after ctx ended for one of the causes above is no failure. It may be
// called again for the same job: after a failure, a pause, a hand-back, or when
// an earlier worker fell silent.
type Handler func(ctx context.Context, job *Running) error

// Kind is a kind of jobs and how they are run.
type Kind struct {
	Name   string
	Handle Handler

	// Exclusive names what a job has to itself while it runs: no two jobs with
	// the same name run at once, in any process and of whatever kind. nil, or an
	// empty name: nothing.
	Exclusive func(collection string) string

	// Canceled hears of every job that this process has moved to canceled: while it
	// waited, after its handler returned, or in place of a worker that is gone. Its
	// handler is not called any more, and may not have heard of it, as when the
	// context had ended for another cause. nil: nobody needs to know.
	Canceled func(ctx context.Context, job catalog.Job) error

	// Retry is asked before a job that failed or was canceled is put back into the queue,
	// and refuses with catalog.ErrConflict what could not succeed. nil: nothing is refused.
	Retry func(ctx context.Context, job catalog.Job) error

	// Waits says that a disk without room is no failure of a job: it is put back into
	// the queue with that reason, and goes on by itself when there is room.
	Waits bool

	// Passing tells errors that say nothing about a job, but that something it needs is away
	// or has changed, such as a database that is being started anew: the job is put back
	// into the queue, however often that happens. nil: none is one.
	Passing func(err error) bool

	PerProcess int                              // most at once in a process; 0: as many as the worker runs
	Attempts   int                              // failures that end the job; 0: 1
	Backoff    func(failures int) time.Duration // wait before the next attempt; nil: Exponential(time.Second, 5*time.Minute)
	Losses     int                              // workers that may fall silent over one job before it fails; 0: 20
}

// PerCollection is a Kind.Exclusive: one job at a time in each collection, among
// all kinds that say so.
func PerCollection(collection string) string { return catalog.ExclusiveCollection(collection) }

// Exponential is a Kind.Backoff that waits first after the first failure and
// twice as long after each further one, up to most.
func Exponential(first, most time.Duration) func(failures int) time.Duration {
	return func(failures int) time.Duration {
		wait := first
		for range failures - 1 {
			wait = min(2*wait, most)
		}
		return min(wait, most)
	}
}

const (
	defaultAttempts = 1
	defaultLosses   = 20
)

// complete checks a kind and fills in its defaults.
func (k Kind) complete() (Kind, error) {
	if k.Name == "" || k.Handle == nil {
		return k, fmt.Errorf("kind of jobs %q is %w: it needs a name and a handler", k.Name, catalog.ErrInvalid)
	}
	if k.PerProcess < 0 || k.Attempts < 0 || k.Losses < 0 {
		return k, fmt.Errorf("kind of jobs %q is %w: a limit is below zero", k.Name, catalog.ErrInvalid)
	}
	if k.Exclusive == nil {
		k.Exclusive = func(string) string { return "" }
	}
	if k.Attempts == 0 {
		k.Attempts = defaultAttempts
	}
	if k.Losses == 0 {
		k.Losses = defaultLosses
	}
	if k.Backoff == nil {
		k.Backoff = Exponential(time.Second, 5*time.Minute)
	}
	return k, nil
}
