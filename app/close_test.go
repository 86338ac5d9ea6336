package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
)

// TestCloseShares: whatever the parts before it do, the one that flushes has its whole
// share of the time, and so do those after it.
func TestCloseShares(t *testing.T) {
	const short, long = 10 * time.Millisecond, time.Minute
	stuck := make(chan struct{})
	defer close(stuck)
	var order []string
	var left time.Duration
	p := newProgram(globals{}, terminal{}, nil)
	p.later(func(context.Context) error { order = append(order, "lock"); return nil })
	p.laterWithin(long, func(ctx context.Context) error {
		order = append(order, "flush")
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return ctx.Err()
	})
	p.laterWithin(short, func(context.Context) error { <-stuck; return nil })
	p.laterWithin(short, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.closers.close(gone, 5*time.Second)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "has not ended") {
		t.Errorf("%v does not tell of both parts", err)
	}
	if strings.Join(order, " ") != "flush lock" || left < long/2 {
		t.Errorf("ended %q, with %s left for the flush", order, left)
	}
}

// TestCloseStuckJob: a job whose handler never returns goes back into the queue, and
// what is closed after the jobs has its time.
func TestCloseStuckJob(t *testing.T) {
	store, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	stuck, began := make(chan struct{}), make(chan struct{})
	queue, err := jobs.New(store.Jobs(nil), jobs.Kind{Name: "stuck", Handle: func(context.Context, *jobs.Running) error {
		close(began)
		<-stuck
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.Enqueue(t.Context(), jobs.Order{Kind: "stuck", Params: json.RawMessage("{}")})
	if err != nil {
		t.Fatal(err)
	}
	worker := jobs.NewWorker(queue, jobs.Settings{Alone: true})
	worker.Start(t.Context())
	<-began
	p := newProgram(globals{}, terminal{}, nil)
	var state catalog.JobState
	p.laterWithin(time.Minute, func(ctx context.Context) error {
		after, err := queue.Get(ctx, job.ID)
		state = after.State
		return err
	})
	p.laterWithin(10*time.Millisecond, worker.Stop)
	err = p.closers.close(t.Context(), time.Minute)
	if err == nil || !strings.Contains(err.Error(), "1 jobs have not ended in time") || state != catalog.JobQueued {
		t.Errorf("%v, and the job is %s", err, state)
	}
	close(stuck)
	if err := worker.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// TestLaterThanClose: what becomes ready when the program has ended is ended at once.
func TestLaterThanClose(t *testing.T) {
	p := newProgram(globals{}, terminal{}, nil)
	if err := p.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := false
	p.later(func(context.Context) error { ended = true; return nil })
	if !ended {
		t.Error("it goes on")
	}
}
