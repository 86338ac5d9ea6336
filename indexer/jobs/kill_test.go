package jobs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/catalog/database/databasetest"
	"polylens/indexer/jobs"
	"polylens/internal/needs"
)

// childOf names the database of a process that TestKilledProcess starts.
const childOf = "POLYLENS_JOBS_TEST_DATABASE"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childOf); dsn != "" {
		fmt.Fprintln(os.Stderr, runChild(dsn))
		os.Exit(1)
	}
	goleak.VerifyTestMain(needs.Wrap(m))
}

// Settings of the processes here are a fifth of the defaults, and so are the times
// that they must keep.
const fifth = 5

var quick = jobs.Settings{Lease: 15 * time.Second / fifth, Heartbeat: 5 * time.Second / fifth, Poll: time.Second / fifth}

// runChild holds jobs until it is killed.
func runChild(dsn string) error {
	ctx := context.Background()
	s, err := database.Open(ctx, dsn)
	if err != nil {
		return err
	}
	queue, err := jobs.New(s.Jobs(nil), jobs.Kind{Name: "hold", Handle: func(ctx context.Context, r *jobs.Running) error {
		if err := r.Report(ctx, "held"); err != nil {
			return err
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}})
	if err != nil {
		return err
	}
	worker := jobs.NewWorker(queue, quick)
	worker.Start(ctx)
	time.Sleep(time.Minute) // it is killed long before
	return worker.Stop(ctx)
}

// TestKilledProcess kills a real process that holds a job. Databases and clocks
// are real as well.
func TestKilledProcess(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		s, err := database.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		queue, err := jobs.New(s.Jobs(nil), jobs.Kind{Name: "hold", Handle: succeed})
		if err != nil {
			t.Fatal(err)
		}
		p := &process{Queue: queue}
		job := p.enqueue(t, jobs.Order{Kind: "hold"})
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childOf+"="+dsn)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		p.await(t, job.ID, func(job catalog.Job) bool { return string(job.Progress) == `"held"` })
		worker := jobs.NewWorker(queue, quick)
		worker.Start(t.Context())
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
		killed := time.Now()
		job = p.awaitState(t, job.ID, catalog.JobSucceeded)
		if took := time.Since(killed); took > takeover/fifth || job.Losses != 1 {
			t.Errorf("went on after %v with %d losses, want one loss and less than %v", took, job.Losses, takeover/fifth)
		} else {
			t.Logf("went on after %v, at default settings %v", took, took*fifth)
		}
		if err := worker.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
