package training

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
	"polylens/internal/postgrestest"
)

// failures counts what is logged about runs that could not begin.
type failures struct {
	slog.Handler
	count *atomic.Int64
}

func (failures) Enabled(context.Context, slog.Level) bool { return true }

func (f failures) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "cannot begin a run, trying again" {
		f.count.Add(1)
	}
	return nil
}

func (f failures) WithAttrs([]slog.Attr) slog.Handler { return f }

// newTestTrainer is a queue of runs without anything to train with.
func newTestTrainer(t *testing.T, path string, log slog.Handler) *Trainer {
	t.Helper()
	store, err := database.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	trainer := New(Options{Data: t.TempDir(), Catalog: store, Log: slog.New(log)})
	queue, err := jobs.New(store.Jobs(nil), trainer.Kind())
	if err != nil {
		t.Fatal(err)
	}
	trainer.Connect(queue, nil)
	return trainer
}

// queuedRun is a run that waits for its job.
func queuedRun(t *testing.T, r *Trainer) catalog.Run {
	t.Helper()
	run, err := r.Catalog.CreateRun(t.Context(), catalog.Run{Name: "x", Config: []byte(`{"data":{"pairs":["/x"]}}`)})
	if err == nil {
		err = r.enqueue(t.Context(), run)
	}
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// TestRunsRetrySlowly: a queued run that cannot be taken, because the catalogue
// cannot be written, is tried again after a while and not at once.
func TestRunsRetrySlowly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	failed := new(atomic.Int64)
	r := newTestTrainer(t, path, failures{count: failed})
	run, err := r.Catalog.CreateRun(t.Context(), catalog.Run{Name: "x", Config: []byte(`{"data":{"pairs":["/x"]}}`)})
	if err != nil {
		t.Fatal(err)
	}
	refuseUpdates(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := r.take(ctx, run); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want it to try for as long as it may", err)
	}
	if failed.Load() != 1 {
		t.Errorf("the run was tried %d times in half a second", failed.Load())
	}
}

// TestStoppedBeforeItBegins: a run that is stopped before its training begins stays
// stopped, even if a worker has already claimed its job.
func TestStoppedBeforeItBegins(t *testing.T) {
	for _, claimed := range []bool{false, true} {
		r := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
		run := queuedRun(t, r)
		if claimed {
			claim := catalog.JobClaim{Room: map[string]int{jobTrain: 1}, Most: 1, Lease: time.Minute}
			if found, err := r.Catalog.(*database.Store).Jobs(nil).Claim(t.Context(), claim); err != nil || len(found) != 1 {
				t.Fatalf("%v, %v", found, err)
			}
		}
		if stopped, err := r.Stop(t.Context(), run.ID); err != nil || stopped.State != catalog.RunStopped {
			t.Fatalf("%+v, %v", stopped, err)
		}
		if err := r.train(t.Context(), run); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("claimed %v: training it gives %v", claimed, err)
		}
		if got, err := r.Catalog.Run(t.Context(), run.ID); err != nil || got.State != catalog.RunStopped {
			t.Errorf("claimed %v: it is %s: %v", claimed, got.State, err)
		}
	}
}

// TestStartTakesUpRuns: queued runs without a job get one, and those that an
// earlier process trained are stopped.
func TestStartTakesUpRuns(t *testing.T) {
	r := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
	var made []catalog.Run
	for _, name := range []string{"queued", "trained"} {
		run, err := r.Catalog.CreateRun(t.Context(), catalog.Run{Name: name, Config: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, run)
	}
	recorder, err := r.Catalog.RecordRun(t.Context(), made[1].ID, 0)
	if err == nil {
		err = recorder.Close()
	}
	for range 2 { // a second start adds nothing
		err = errors.Join(err, r.Recover(t.Context()))
	}
	queued, listErr := r.queue.List(t.Context(), catalog.JobFilter{})
	if err := errors.Join(err, listErr); err != nil || len(queued) != 1 || !strings.Contains(string(queued[0].Params), made[0].ID) {
		t.Errorf("jobs %+v, %v", queued, err)
	}
	if left, err := r.Catalog.Run(t.Context(), made[1].ID); err != nil || left.State != catalog.RunStopped {
		t.Errorf("the run that was trained is %s, %v", left.State, err)
	}
}

// TestStartLeavesRunsOfOthers: in a database that others may share, a run that is
// trained elsewhere goes on; it is stopped once its job was taken over, which
// happens only after its worker fell silent.
func TestStartLeavesRunsOfOthers(t *testing.T) {
	url := postgrestest.Database(t)
	r := newTestTrainer(t, url, slog.DiscardHandler)
	r.Shared = true
	run := queuedRun(t, r)
	elsewhere, err := r.Catalog.RecordQueuedRun(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	wantState := func(want catalog.RunState) {
		t.Helper()
		if now, err := r.Catalog.Run(t.Context(), run.ID); err != nil || now.State != want {
			t.Errorf("the run is %s, %v; want it %s", now.State, err, want)
		}
	}
	if err := r.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantState(catalog.RunRunning)
	job, err := r.jobOf(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.handle(t.Context(), &jobs.Running{Job: job}); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("taking over the job gives %v; people decide whether a run goes on", err)
	}
	wantState(catalog.RunStopped)
}

// TestCanceledJobStopsItsRun: whoever cancels the job means the run, which a later
// start must not take up again.
func TestCanceledJobStopsItsRun(t *testing.T) {
	r := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
	run := queuedRun(t, r)
	job, err := r.jobOf(t.Context(), run.ID)
	if err == nil {
		_, err = r.queue.Cancel(t.Context(), job.ID)
	}
	if err := errors.Join(err, r.Recover(t.Context())); err != nil {
		t.Fatal(err)
	}
	if now, err := r.Catalog.Run(t.Context(), run.ID); err != nil || now.State != catalog.RunStopped {
		t.Errorf("the run is %s, %v", now.State, err)
	}
	if _, err := r.jobOf(t.Context(), run.ID); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("it has a job again: %v", err)
	}
}

// TestRetryPointsToTheRun: the job of a run that has ended is not put back into the queue,
// where it could only fail; whoever tries reads how the run goes on.
func TestRetryPointsToTheRun(t *testing.T) {
	r := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
	queue := r.queue.(*jobs.Queue)
	run := queuedRun(t, r)
	job, err := r.jobOf(t.Context(), run.ID)
	if err == nil {
		_, err = r.Stop(t.Context(), run.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	refused := func(step string, words ...string) {
		t.Helper()
		_, err := queue.Retry(t.Context(), job.ID)
		for _, want := range words {
			if !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want a conflict with %q", step, err, want)
			}
		}
		if now, err := queue.Get(t.Context(), job.ID); err != nil || now.State != catalog.JobCanceled {
			t.Errorf("%s: the job is %s, %v", step, now.State, err)
		}
	}
	refused("stopped", "stopped", "runs/"+run.ID+"/resume")
	if _, err := r.Resume(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	refused("resumed", "already")
	for _, state := range []catalog.RunState{catalog.RunStopped, catalog.RunFailed} {
		if err := r.Catalog.MoveRun(t.Context(), run.ID, catalog.RunQueued, state, "why"); err != nil {
			t.Fatal(err)
		}
		refused(string(state), string(state), "runs/"+run.ID+"/resume")
		if err := r.Catalog.MoveRun(t.Context(), run.ID, state, catalog.RunQueued, ""); err != nil {
			t.Fatal(err)
		}
	}
	next, err := r.jobOf(t.Context(), run.ID)
	if err == nil {
		_, err = r.Stop(t.Context(), run.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Catalog.MoveRun(t.Context(), run.ID, catalog.RunStopped, catalog.RunQueued, ""); err != nil {
		t.Fatal(err)
	}
	if again, err := queue.Retry(t.Context(), next.ID); err != nil || again.State != catalog.JobQueued {
		t.Errorf("the job of a run that waits for one: %s, %v", again.State, err)
	}
}

// TestPausedJobKeepsItsRun: a run whose job is paused gets no second one when a
// process starts, and is stopped with it.
func TestPausedJobKeepsItsRun(t *testing.T) {
	r := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
	run := queuedRun(t, r)
	job, err := r.jobOf(t.Context(), run.ID)
	if err == nil {
		_, err = r.queue.(*jobs.Queue).Pause(t.Context(), job.ID)
	}
	if err := errors.Join(err, r.Recover(t.Context())); err != nil {
		t.Fatal(err)
	}
	if found, err := r.queue.List(t.Context(), catalog.JobFilter{}); err != nil || len(found) != 1 {
		t.Errorf("there are %d jobs, %v; want the paused one", len(found), err)
	}
	if _, err := r.Stop(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	if job, err = r.queue.(*jobs.Queue).Get(t.Context(), job.ID); err != nil || job.State != catalog.JobCanceled {
		t.Errorf("the job of the stopped run is %s, %v", job.State, err)
	}
}

// refuseUpdates lets every update of runs fail, as a full disk does.
func refuseUpdates(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`); err != nil {
		t.Fatal(err)
	}
}
