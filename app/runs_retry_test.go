package main

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// failures counts what is logged about training that failed.
type failures struct {
	slog.Handler
	count *atomic.Int64
}

func (failures) Enabled(context.Context, slog.Level) bool { return true }

func (f failures) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "training failed" {
		f.count.Add(1)
	}
	return nil
}

func (f failures) WithAttrs([]slog.Attr) slog.Handler { return f }

// TestRunsRetrySlowly: a queued run that cannot be taken, because the catalogue
// cannot be written, is tried again after a while and not at once.
func TestRunsRetrySlowly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	store, err := database.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateRun(t.Context(), catalog.Run{Name: "x", Config: []byte(`{"data":{"pairs":["/x"]}}`)}); err != nil {
		t.Fatal(err)
	}
	refuseUpdates(t, path)
	failed := new(atomic.Int64)
	p := newProgram(globals{Data: t.TempDir()}, terminal{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, slog.New(failures{count: failed}))
	r := newRuns(&parts{program: p, store: store})
	ctx, cancel := context.WithCancel(t.Context())
	go r.work(ctx)
	time.Sleep(500 * time.Millisecond)
	cancel()
	<-r.done
	if failed.Load() != 1 {
		t.Errorf("the run was tried %d times in half a second", failed.Load())
	}
}

// TestStoppedBeforeItBegins: a run that is stopped before its training begins,
// also when the work has chosen it already, stays stopped.
func TestStoppedBeforeItBegins(t *testing.T) {
	store, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	failed := new(atomic.Int64)
	p := newProgram(globals{Data: t.TempDir()}, terminal{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, slog.New(failures{count: failed}))
	r := newRuns(&parts{program: p, store: store})
	for _, name := range []string{"in the queue", "chosen"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		run, err := store.CreateRun(t.Context(), catalog.Run{Name: name, Config: []byte(`{"data":{"pairs":["/x"]}}`)})
		if err != nil {
			t.Fatal(err)
		}
		if name == "chosen" {
			r.running, r.cancel = run.ID, cancel
		}
		if stopped, err := r.Stop(t.Context(), run.ID); err != nil || stopped.State != catalog.RunStopped {
			t.Fatalf("%+v, %v", stopped, err)
		}
		r.train(ctx, run)
		if got, err := store.Run(t.Context(), run.ID); err != nil || got.State != catalog.RunStopped || failed.Load() != 0 {
			t.Errorf("%s: it is %s, and %d failures were logged: %v", name, got.State, failed.Load(), err)
		}
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
