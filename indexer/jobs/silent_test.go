package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// takeover is what is promised with default settings.
const takeover = 30 * time.Second

// A worker that falls silent loses its job to another one, knows so when the lease
// ends, and cannot write late.
func TestSilentWorkerIsFencedOff(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		heard, late := make(chan time.Time, 1), make(chan error, 2)
		release := make(chan struct{})
		silent := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, catalog.ErrLeaseLost) {
				t.Errorf("got cause %v, want the lease lost", cause)
			}
			heard <- time.Now()
			<-release
			late <- r.Report(context.WithoutCancel(ctx), "late")
			return nil
		}})
		job := silent.enqueue(t, jobs.Order{Kind: "a"})
		silent.awaitState(t, job.ID, catalog.JobRunning)
		time.Sleep(2 * time.Minute) // heartbeats hold it
		if job, _ = silent.Get(t.Context(), job.ID); job.State != catalog.JobRunning || job.Losses != 0 {
			t.Fatalf("job is %s with %d losses although its worker lives", job.State, job.Losses)
		}
		second := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			if err := r.Report(ctx, "second"); err != nil {
				return err
			}
			time.Sleep(time.Minute)
			return nil
		}})
		silent.setCut(errSilent)
		cut := time.Now()
		taken := second.await(t, job.ID, func(now catalog.Job) bool { return now.State == catalog.JobRunning && now.Lease != job.Lease })
		if took := time.Since(cut); took > takeover {
			t.Errorf("taken over after %v", took)
		}
		if when := <-heard; when.Sub(cut) > 15*time.Second+time.Millisecond || when.After(taken.Expires) {
			t.Errorf("the silent worker noticed after %v", when.Sub(cut))
		}
		silent.mend()
		close(release)
		if err := <-late; !errors.Is(err, catalog.ErrLeaseLost) {
			t.Errorf("got %v for a late report, want the lease lost", err)
		}
		job = second.awaitState(t, job.ID, catalog.JobSucceeded)
		if string(job.Progress) != `"second"` || job.Losses != 1 || job.Failures != 0 {
			t.Errorf("got %+v, want what the second worker did", job)
		}
	})
}

// A process that sleeps, as a suspended machine does, finds its job lost when it
// writes next, before any timer of its own has fired.
func TestLateReportFindsLeaseLost(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.open(jobs.Kind{Name: "a", Handle: succeed})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		result := make(chan error, 1)
		w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			_, err := p.Store.Change(ctx, r.ID, func(job *catalog.Job, now time.Time) error { // another took it
				job.Lease = "another"
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			result <- r.Report(ctx, "mine")
			return nil
		}})
		if err := <-result; !errors.Is(err, catalog.ErrLeaseLost) {
			t.Errorf("got %v, want the lease lost", err)
		}
		if job, _ = p.Get(t.Context(), job.ID); string(job.Progress) != "{}" {
			t.Errorf("progress is %s, want none", job.Progress)
		}
	})
}

// A job that ends its workers does not go round forever.
func TestJobThatEndsItsWorkersFails(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		var starts atomic.Int32
		var silent atomic.Pointer[process]
		kind := jobs.Kind{Name: "deadly", Losses: 3, Handle: func(ctx context.Context, _ *jobs.Running) error {
			starts.Add(1)
			silent.Load().setCut(errSilent)
			<-ctx.Done()
			silent.Load().mend()
			return ctx.Err()
		}}
		p := w.work(jobs.Settings{}, kind)
		silent.Store(p)
		job := w.open(kind).enqueue(t, jobs.Order{Kind: "deadly"})
		job = w.open(kind).awaitState(t, job.ID, catalog.JobFailed)
		if starts.Load() != 3 || job.Losses != 3 || job.Error == "" {
			t.Errorf("failed after %d starts: %+v", starts.Load(), job)
		}
	})
}

// Cancel is heard although the worker is gone.
func TestCancelOfSilentWorkersJob(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		causes := make(chan error, 1)
		kind := jobs.Kind{Name: "a", Handle: untilEnd(causes)}
		silent, other := w.work(jobs.Settings{}, kind), w.open(kind)
		job := other.enqueue(t, jobs.Order{Kind: "a"})
		other.awaitState(t, job.ID, catalog.JobRunning)
		silent.setCut(errSilent)
		if _, err := other.Cancel(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		w.work(jobs.Settings{}, kind)
		began := time.Now()
		other.awaitState(t, job.ID, catalog.JobCanceled)
		if took := time.Since(began); took > takeover {
			t.Errorf("canceled after %v", took)
		}
	})
}

// A database that fails for a while costs no job its result.
func TestEndOutlivesFailingDatabase(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		var p *process
		var calls atomic.Int32
		p = w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			calls.Add(1)
			p.setCut(errors.New("disk full"))
			if err := r.Report(ctx, "all"); err != nil {
				t.Errorf("%v: a report may wait", err)
			}
			return nil
		}})
		other := w.open()
		job := w.open(jobs.Kind{Name: "a", Handle: succeed}).enqueue(t, jobs.Order{Kind: "a"})
		other.awaitState(t, job.ID, catalog.JobRunning)
		time.Sleep(8 * time.Second)
		p.mend()
		job = other.awaitState(t, job.ID, catalog.JobSucceeded)
		if string(job.Progress) != `"all"` || calls.Load() != 1 {
			t.Errorf("got progress %s after %d calls, want all after one", job.Progress, calls.Load())
		}
	})
}
