package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

func TestWorkerRunsJob(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "double", Handle: func(ctx context.Context, r *jobs.Running) error {
			var n int
			if err := json.Unmarshal(r.Params, &n); err != nil {
				return err
			}
			return r.Report(ctx, 2*n)
		}})
		began := time.Now()
		job := p.enqueue(t, jobs.Order{Kind: "double", Collection: "x", Params: 21})
		job = p.awaitState(t, job.ID, catalog.JobSucceeded)
		if string(job.Progress) != "42" || job.Started.IsZero() || job.Finished.IsZero() || job.Lease != "" {
			t.Errorf("got %+v, want progress 42, both moments and no lease", job)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("a job of this process took %v to be seen", took)
		}
	})
}

func TestEnqueueRefuses(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.open(jobs.Kind{Name: "a", Handle: succeed})
		for _, order := range []jobs.Order{
			{Kind: "unknown"}, {Kind: "a", Params: func() {}}, {Kind: "a", Collection: "Not a name"},
		} {
			if _, err := p.Enqueue(t.Context(), order); !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("%+v: got %v, want it refused", order, err)
			}
		}
		for _, kinds := range [][]jobs.Kind{
			{{Name: "a"}}, {{Handle: succeed}}, {{Name: "a", Handle: succeed}, {Name: "a", Handle: succeed}},
			{{Name: "a", Handle: succeed, Attempts: -1}},
		} {
			if _, err := jobs.New(p.line, kinds...); !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("%+v: got %v, want it refused", kinds, err)
			}
		}
	})
}

func succeed(context.Context, *jobs.Running) error { return nil }

// untilEnd is a handler that works until its context ends.
func untilEnd(causes chan<- error) jobs.Handler {
	return func(ctx context.Context, _ *jobs.Running) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}
}

func TestWorkerTriesAgain(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		var starts []time.Time
		p := w.work(jobs.Settings{}, jobs.Kind{
			Name: "fails", Attempts: 3, Backoff: jobs.Exponential(10*time.Second, time.Minute),
			Handle: func(context.Context, *jobs.Running) error {
				starts = append(starts, time.Now())
				if len(starts) > 3 {
					return nil
				}
				return errors.New("broken \x00\xff" + strings.Repeat("x", 10_000))
			},
		})
		job := p.enqueue(t, jobs.Order{Kind: "fails"})
		job = p.awaitState(t, job.ID, catalog.JobFailed)
		if job.Failures != 3 || !strings.HasPrefix(job.Error, "broken \uFFFDxxx") || len(job.Error) > 5000 {
			t.Errorf("got %d failures and %d bytes of error %.20q", job.Failures, len(job.Error), job.Error)
		}
		for i, least := range []time.Duration{10 * time.Second, 20 * time.Second} {
			if wait := starts[i+1].Sub(starts[i]); wait < least || wait > least+2*time.Second {
				t.Errorf("attempt %d began %v after the one before, want about %v", i+2, wait, least)
			}
		}
		if _, err := p.Retry(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		if job = p.awaitState(t, job.ID, catalog.JobSucceeded); job.Failures != 0 || job.Error != "" {
			t.Errorf("got %+v, want no failures after it succeeded", job)
		}
		if _, err := p.Retry(t.Context(), job.ID); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("got %v for another retry, want a conflict", err)
		}
	})
}

func TestWorkerOutlivesPanic(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "panics", Handle: func(context.Context, *jobs.Running) error { panic("ouch") }})
		job := p.enqueue(t, jobs.Order{Kind: "panics"})
		if job = p.awaitState(t, job.ID, catalog.JobFailed); !strings.Contains(job.Error, "ouch") {
			t.Errorf("got error %q, want the reason of the panic", job.Error)
		}
	})
}

func TestWorkerWaitsForMoment(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: succeed})
		moment := time.Now().Add(90 * time.Second)
		job := p.enqueue(t, jobs.Order{Kind: "a", RunAfter: moment})
		job = p.awaitState(t, job.ID, catalog.JobSucceeded)
		if late := job.Started.Sub(moment); late < -time.Millisecond || late > 2*time.Second {
			t.Errorf("began %v after its moment", late)
		}
	})
}

func TestCancelFromAnotherProcess(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		causes := make(chan error, 1)
		kind := jobs.Kind{Name: "long", Handle: untilEnd(causes)}
		other := w.open(kind)
		job := other.enqueue(t, jobs.Order{Kind: "long"})
		waits := other.enqueue(t, jobs.Order{Kind: "long"})
		w.work(jobs.Settings{}, kind)
		other.awaitState(t, job.ID, catalog.JobRunning)
		began := time.Now()
		for _, id := range []string{job.ID, waits.ID} {
			if _, err := other.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if cause := <-causes; !errors.Is(cause, jobs.ErrCanceled) {
			t.Errorf("got cause %v, want canceled", cause)
		}
		other.awaitState(t, job.ID, catalog.JobCanceled)
		other.awaitState(t, waits.ID, catalog.JobCanceled)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
		if _, err := other.Cancel(t.Context(), job.ID); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("got %v for a canceled job, want a conflict", err)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		var calls atomic.Int32
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			if calls.Add(1) > 1 {
				return nil
			}
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, jobs.ErrPaused) {
				t.Errorf("got cause %v, want paused", cause)
			}
			_ = r.Report(context.WithoutCancel(ctx), "half")
			return ctx.Err()
		}})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		p.awaitState(t, job.ID, catalog.JobRunning)
		if _, err := p.Resume(t.Context(), job.ID); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("got %v for resuming a running job, want a conflict", err)
		}
		if _, err := p.Pause(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		if job = p.awaitState(t, job.ID, catalog.JobPaused); string(job.Progress) != `"half"` || job.Failures != 0 {
			t.Errorf("got %+v, want it half done", job)
		}
		time.Sleep(time.Minute)
		if calls.Load() != 1 {
			t.Errorf("a paused job was run")
		}
		if _, err := p.Resume(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		p.awaitState(t, job.ID, catalog.JobSucceeded)
	})
}

// A pause that is taken back after the handler heard of it puts the job back
// into the queue.
func TestResumeBeforePause(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		var calls atomic.Int32
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			if calls.Add(1) > 1 {
				return nil
			}
			<-ctx.Done()
			time.Sleep(10 * time.Second)
			return ctx.Err()
		}})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		p.awaitState(t, job.ID, catalog.JobRunning)
		if _, err := p.Pause(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if _, err := p.Resume(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		if job = p.awaitState(t, job.ID, catalog.JobSucceeded); job.Failures != 0 || calls.Load() != 2 {
			t.Errorf("got %+v after %d calls, want a second call and no failure", job, calls.Load())
		}
	})
}

func TestStopHandsBack(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		causes := make(chan error, 1)
		first := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: untilEnd(causes)})
		job := first.enqueue(t, jobs.Order{Kind: "a"})
		first.awaitState(t, job.ID, catalog.JobRunning)
		second := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: succeed})
		began := time.Now()
		if err := first.worker.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cause := <-causes; !errors.Is(cause, jobs.ErrStopping) {
			t.Errorf("got cause %v, want stopping", cause)
		}
		job = second.awaitState(t, job.ID, catalog.JobSucceeded)
		if took := time.Since(began); took > 2*time.Second || job.Failures+job.Losses != 0 {
			t.Errorf("went on after %v with %d failures and %d losses, want at once with none", took, job.Failures, job.Losses)
		}
	})
}

func TestStopAbandonsStuckHandler(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		release, late := make(chan struct{}), make(chan error, 2)
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			<-release
			late <- r.Report(context.WithoutCancel(ctx), "late")
			late <- r.Report(context.WithoutCancel(ctx), "later")
			return nil
		}})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		p.awaitState(t, job.ID, catalog.JobRunning)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := p.worker.Stop(ctx); err == nil {
			t.Error("stopped without an error although a handler hangs")
		}
		if job, _ = p.Get(t.Context(), job.ID); job.State != catalog.JobQueued {
			t.Errorf("job is %s, want it queued", job.State)
		}
		close(release)
		for range 2 {
			if err := <-late; !errors.Is(err, catalog.ErrLeaseLost) {
				t.Errorf("got %v for a late report, want the lease lost", err)
			}
		}
		time.Sleep(time.Minute)
		if after, _ := p.Get(t.Context(), job.ID); after.Sequence != job.Sequence {
			t.Errorf("the job was changed by a handler without lease: %+v", after)
		}
	})
}

// A cancel is not forgotten when the worker stops before the handler heeds it.
func TestStopKeepsCancel(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		defer close(release)
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(context.Context, *jobs.Running) error {
			<-release
			return errors.New("late")
		}})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		p.awaitState(t, job.ID, catalog.JobRunning)
		if _, err := p.Cancel(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = p.worker.Stop(ctx) // a handler hangs
		if job, _ = p.Get(t.Context(), job.ID); job.State != catalog.JobCanceled {
			t.Errorf("job is %s, want it canceled", job.State)
		}
	})
}

func TestLimitsOfKinds(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		var alone, perCollection meter
		kinds := []jobs.Kind{
			{Name: "alone", PerProcess: 1, Handle: alone.handle},
			{Name: "index", Exclusive: jobs.PerCollection, Handle: perCollection.handle},
			{Name: "check", Exclusive: jobs.PerCollection, Handle: perCollection.handle},
		}
		p := w.work(jobs.Settings{Slots: 8}, kinds...)
		w.work(jobs.Settings{Slots: 8}, kinds...)
		var last catalog.Job
		for range 5 {
			for _, order := range []jobs.Order{
				{Kind: "alone"}, {Kind: "index", Collection: "x"}, {Kind: "check", Collection: "x"}, {Kind: "index", Collection: "y"},
			} {
				last = p.enqueue(t, order)
			}
		}
		time.Sleep(10 * time.Minute)
		for _, state := range []catalog.JobState{catalog.JobSucceeded} {
			if done, err := p.List(t.Context(), catalog.JobFilter{States: []catalog.JobState{state}}); err != nil || len(done) != 20 {
				t.Errorf("%d jobs succeeded with %v, want all 20; the last is %s", len(done), err, last.ID)
			}
		}
		if alone.most.Load() != 2 { // one in each process
			t.Errorf("%d jobs of the lonely kind ran at once, want 2", alone.most.Load())
		}
		if perCollection.most.Load() != 2 { // one in each collection
			t.Errorf("%d jobs of 2 collections ran at once, want 2", perCollection.most.Load())
		}
	})
}

// meter counts how many run at once.
type meter struct{ now, most atomic.Int32 }

func (m *meter) handle(ctx context.Context, _ *jobs.Running) error {
	if now := m.now.Add(1); now > m.most.Load() {
		m.most.Store(now)
	}
	defer m.now.Add(-1)
	time.Sleep(7 * time.Second)
	return ctx.Err()
}

func TestReportIsThrottled(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.work(jobs.Settings{}, jobs.Kind{Name: "a", Handle: func(ctx context.Context, r *jobs.Running) error {
			for n := range 1000 {
				if err := r.Report(ctx, n+1); err != nil {
					return err
				}
				time.Sleep(2 * time.Millisecond)
			}
			time.Sleep(30 * time.Second)
			return nil
		}})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		p.await(t, job.ID, func(job catalog.Job) bool { return string(job.Progress) == "1000" && job.State == catalog.JobRunning })
		job = p.awaitState(t, job.ID, catalog.JobSucceeded)
		if job.Sequence > 14 {
			t.Errorf("1000 reports in 2 s made %d changes, want a dozen", job.Sequence)
		}
	})
}

func TestOldJobsAreDeleted(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		p := w.work(jobs.Settings{Keep: 5 * time.Minute}, jobs.Kind{Name: "a", Handle: succeed})
		job := p.enqueue(t, jobs.Order{Kind: "a"})
		p.awaitState(t, job.ID, catalog.JobSucceeded)
		time.Sleep(4 * time.Minute)
		if _, err := p.Get(t.Context(), job.ID); err != nil {
			t.Errorf("%v before its time", err)
		}
		time.Sleep(7 * time.Minute)
		if _, err := p.Get(t.Context(), job.ID); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("got %v, want it deleted", err)
		}
	})
}
