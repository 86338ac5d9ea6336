package jobs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"polylens/indexer/catalog"
)

const (
	followEvery = time.Second            // for changes by other processes
	followPause = 100 * time.Millisecond // least time between two readings, so that changes gather
	followBatch = 500
)

// Last returns the number of the last change of all jobs, to follow from.
func (q *Queue) Last(ctx context.Context) (int64, error) { return q.store.Last(ctx) }

// Follow calls changed with jobs as they are now, whenever some have changed
// after the change with a number (see catalog.Job.Sequence), in order of their
// last changes, until ctx ends or changed or the database fails: then follow again
// from the last number reported. 0 begins with all jobs there are. Changes by this
// process are reported within a tenth of a second, those by others within a second.
//
// A follower never keeps a worker waiting: while changed is busy, changes gather
// in the database, and several of one job are reported as one.
func (q *Queue) Follow(ctx context.Context, after int64, changed func([]catalog.Job) error) error {
	bell, leave := q.bell.listen()
	defer leave()
	for {
		jobs, err := q.changedAfter(ctx, after)
		if err != nil {
			return err
		}
		if len(jobs) > 0 {
			after = jobs[len(jobs)-1].Sequence
			if err := changed(jobs); err != nil {
				return err
			}
		}
		if len(jobs) == followBatch {
			continue
		}
		if err := wait(ctx, bell); err != nil {
			return err
		}
	}
}

func (q *Queue) changedAfter(ctx context.Context, after int64) ([]catalog.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	jobs, err := q.store.Changed(ctx, after, followBatch)
	if err != nil {
		return nil, fmt.Errorf("follow jobs: %w", err)
	}
	return q.tell(jobs, nil)
}

// wait lets changes gather, and then waits until the bell rings or it is time to look.
func wait(ctx context.Context, bell <-chan struct{}) error {
	if err := sleep(ctx, followPause); err != nil {
		return err
	}
	timer := time.NewTimer(followEvery - followPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-bell:
	case <-timer.C:
	}
	return nil
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// bell wakes all listeners and waits for none. The zero value is ready.
type bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

// listen returns a channel that holds a value after the bell was rung, until
// leave is called.
func (b *bell) listen() (rung <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = make(map[chan struct{}]struct{})
	}
	b.listeners[c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, c)
	}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default: // rung already
		}
	}
}
