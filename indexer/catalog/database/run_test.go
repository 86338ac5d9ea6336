package database

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

func mustRun(t *testing.T, s *Store, name, collection string) catalog.Run {
	t.Helper()
	run, err := s.CreateRun(t.Context(), catalog.Run{Name: name, Collection: collection, Config: []byte(`{"preset":"lora"}`)})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func mustRecord(t *testing.T, s *Store, id string, patience time.Duration) *RunRecorder {
	t.Helper()
	r, err := s.RecordRun(t.Context(), id, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRuns(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		wanted := catalog.Run{
			Name: "ours", Collection: "c", Data: "captions of c", Base: catalog.RunModel{Directory: "/m/base", Fingerprint: "f1"}, Config: []byte(`{"batch":16}`),
			State: catalog.RunFinished, Error: "nothing, really", Output: catalog.RunModel{Directory: "not", Fingerprint: "taken"}, // what a caller cannot choose
		}
		first, err := s.CreateRun(ctx, wanted)
		if err != nil {
			t.Fatal(err)
		}
		wanted.ID, wanted.Created, wanted.State, wanted.Error, wanted.Output = first.ID, first.Created, catalog.RunQueued, "", catalog.RunModel{}
		got, err := s.Run(ctx, first.ID)
		if err != nil || !reflect.DeepEqual(got, wanted) || !reflect.DeepEqual(first, wanted) {
			t.Errorf("created %+v\nread %+v, %v\nwant %+v", first, got, err, wanted)
		}
		second := mustRun(t, s, "other", "d")
		again := mustRun(t, s, "ours", "e")
		if newest, err := s.RunNamed(ctx, "ours"); err != nil || newest.ID != again.ID {
			t.Errorf("by name: got %+v, %v; want the newest", newest, err)
		}
		if _, err := s.RunNamed(ctx, "nobody's"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("a name of no run: %v", err)
		}
		if err := s.DeleteRun(ctx, again.ID); err != nil {
			t.Error(err)
		}
		if list, err := s.Runs(ctx, "", "", 10); err != nil || len(list) != 2 || list[0].ID != second.ID {
			t.Errorf("got %+v, %v; want newest first", list, err)
		}
		if list, err := s.Runs(ctx, "", second.ID, 10); err != nil || len(list) != 1 || list[0].ID != first.ID {
			t.Errorf("second page: got %+v, %v", list, err)
		}
		if list, err := s.Runs(ctx, "d", "", 10); err != nil || len(list) != 1 || list[0].ID != second.ID {
			t.Errorf("of one collection: got %+v, %v", list, err)
		}
		if _, err := s.CreateRun(ctx, catalog.Run{Config: []byte("{")}); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("a broken config: got %v", err)
		}
		if _, err := s.Run(ctx, "none"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("an unknown run: got %v", err)
		}
	})
}

func TestRunIsRecorded(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		run := mustRun(t, s, "ours", "c")
		r := mustRecord(t, s, run.ID, catalog.RunPatience)
		for _, err := range []error{
			r.Begin(ctx, 0, 40),
			r.Point(ctx, 10, map[string]float64{"loss": 2, "learning_rate": 0.5}),
			r.Point(ctx, 20, map[string]float64{"loss": math.NaN()}),
			r.Point(ctx, 30, map[string]float64{"loss": math.Inf(-1)}),
			r.Point(ctx, 40, map[string]float64{"loss": -1}),
			r.Best(ctx, catalog.RunBest{Metric: "mean/text_to_image/r1", Step: 30, Value: 0.5}),
			r.Output(ctx, catalog.RunModel{Directory: "/m/new", Fingerprint: "f2"}, []byte(`{"passed":true}`)),
			r.State(ctx, catalog.RunFinished, ""),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Run(ctx, run.ID)
		if err != nil || got.State != catalog.RunFinished || got.Step != 40 || got.Steps != 40 || got.Output != (catalog.RunModel{Directory: "/m/new", Fingerprint: "f2"}) ||
			got.Best != (catalog.RunBest{Metric: "mean/text_to_image/r1", Step: 30, Value: 0.5}) || string(got.Gate) != `{"passed":true}` ||
			got.Started.IsZero() || got.Finished.IsZero() || got.Heartbeat.IsZero() {
			t.Errorf("got %+v, %v", got, err)
		}
		curves, err := s.RunSeries(ctx, run.ID, catalog.RunPoints{})
		want := "[{learning_rate [10] [0.5]} {loss [10 20 30 40] [2 NaN NaN -1]}]"
		if fmt.Sprint(curves) != want || err != nil {
			t.Errorf("got %v, %v, want %s", curves, err, want)
		}
		curves, err = s.RunSeries(ctx, run.ID, catalog.RunPoints{Names: []string{"loss", "none"}, From: 21})
		if want := "[{loss [30 40] [NaN -1]}]"; fmt.Sprint(curves) != want || err != nil {
			t.Errorf("got %v, %v, want %s", curves, err, want)
		}
		for name, err := range map[string]error{
			"point": r.Point(ctx, 41, map[string]float64{"loss": 1}), "state": r.State(ctx, catalog.RunFailed, "x"),
			"best": r.Best(ctx, catalog.RunBest{}), "second recorder": second(s.RecordRun(ctx, run.ID, 0)),
		} {
			if !errors.Is(err, catalog.ErrConflict) {
				t.Errorf("%s after the end: got %v, want ErrConflict", name, err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// Whoever takes a run from the queue does not train one that was stopped meanwhile.
func TestQueuedRunOnly(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		stopped, queued := mustRun(t, s, "ours", "c"), mustRun(t, s, "other", "c")
		if err := s.MoveRun(ctx, stopped.ID, catalog.RunQueued, catalog.RunStopped, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.RecordQueuedRun(ctx, stopped.ID); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("stopped: %v", err)
		}
		if got, err := s.Run(ctx, stopped.ID); err != nil || got.State != catalog.RunStopped {
			t.Errorf("stopped: %+v, %v", got, err)
		}
		r, err := s.RecordQueuedRun(ctx, queued.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := s.RecordQueuedRun(ctx, queued.ID); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("running: %v", err)
		}
	})
}

func TestRecorderRefusesWhatIsNoNumberOrState(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		r := mustRecord(t, s, mustRun(t, s, "ours", "c").ID, catalog.RunPatience)
		for name, err := range map[string]error{
			"best":    r.Best(t.Context(), catalog.RunBest{Metric: "r1", Step: 1, Value: math.NaN()}),
			"state":   r.State(t.Context(), catalog.RunActivated, ""),
			"verdict": r.Output(t.Context(), catalog.RunModel{}, []byte("passed")),
			"points":  second(s.RunSeries(t.Context(), "x", catalog.RunPoints{Most: 3})),
		} {
			if !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("%s: got %v, want ErrInvalid", name, err)
			}
		}
	})
}

// TestInterruptedRunIsResumed: a process that gives no sign of life loses its
// run, and learns of it when it wakes.
func TestInterruptedRunIsResumed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		start := time.Now().Truncate(time.Millisecond)
		s.now = func() time.Time { return start }
		run := mustRun(t, s, "ours", "c")
		asleep := mustRecord(t, s, run.ID, catalog.RunPatience)
		for _, err := range []error{
			asleep.Begin(ctx, 0, 100), asleep.Point(ctx, 10, map[string]float64{"loss": 3}), asleep.Point(ctx, 20, map[string]float64{"loss": 2}),
			asleep.Best(ctx, catalog.RunBest{Metric: "r1", Step: 20, Value: 0.5}), asleep.Flush(ctx),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.RecordRun(ctx, run.ID, catalog.RunPatience); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("a run that lives was taken: %v", err)
		}
		silent, err := s.Run(ctx, run.ID)
		if err != nil || silent.Interrupted(start.Add(catalog.RunPatience)) || !silent.Interrupted(start.Add(catalog.RunPatience+time.Second)) {
			t.Errorf("%+v, %v", silent, err)
		}
		awake := mustRecord(t, s, run.ID, 0) // allowed to a process that knows the other one to be gone
		if err := awake.Begin(ctx, 10, 100); err != nil {
			t.Fatal(err)
		}
		err = errors.Join(asleep.Point(ctx, 21, map[string]float64{"loss": 9}), asleep.Flush(ctx))
		if !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("the first process may still write: %v", err)
		}
		if err := asleep.Point(ctx, 22, map[string]float64{"loss": 9}); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("the first process is not told: %v", err)
		}
		if err := errors.Join(awake.Point(ctx, 15, map[string]float64{"loss": 2.5}), awake.State(ctx, catalog.RunStopped, "")); err != nil {
			t.Fatal(err)
		}
		curves, err := s.RunSeries(ctx, run.ID, catalog.RunPoints{})
		if want := "[{loss [10 15] [3 2.5]}]"; err != nil || fmt.Sprint(curves) != want {
			t.Errorf("got %v, %v, want %s", curves, err, want)
		}
		got, err := s.Run(ctx, run.ID)
		if err != nil || got.Best != (catalog.RunBest{}) || got.Step != 15 || got.State != catalog.RunStopped {
			t.Errorf("got %+v, %v; want no best, for it lay beyond the checkpoint", got, err)
		}
		mustRecord(t, s, run.ID, catalog.RunPatience) // a stopped run goes on
	})
}

// TestHeartbeat: a long step without a point is no interruption.
func TestHeartbeat(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		var mu sync.Mutex
		now := time.Now()
		s.now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
		run := mustRun(t, s, "ours", "c")
		mustRecord(t, s, run.ID, catalog.RunPatience)
		mu.Lock()
		now = now.Add(runBeatEvery)
		want := now.UnixMilli()
		mu.Unlock()
		deadline := time.Now().Add(10 * time.Second)
		for {
			got, err := s.Run(t.Context(), run.ID)
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("no sign of life: %+v, %v", got, err)
			}
			if got.Heartbeat.UnixMilli() == want {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

func TestMoveAndDeleteRun(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		run := mustRun(t, s, "ours", "c")
		r := mustRecord(t, s, run.ID, catalog.RunPatience)
		if err := errors.Join(r.Begin(ctx, 0, 1), r.Point(ctx, 1, map[string]float64{"loss": 1}), r.Flush(ctx)); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"move":   s.MoveRun(ctx, run.ID, catalog.RunRunning, catalog.RunFailed, "x"),
			"start":  s.MoveRun(ctx, run.ID, catalog.RunQueued, catalog.RunRunning, ""),
			"skip":   s.MoveRun(ctx, run.ID, catalog.RunFinished, catalog.RunActivated, ""),
			"delete": s.DeleteRun(ctx, run.ID),
		} {
			if !errors.Is(err, catalog.ErrConflict) {
				t.Errorf("%s while it is trained: got %v, want ErrConflict", name, err)
			}
		}
		for _, err := range []error{r.State(ctx, catalog.RunFinished, ""), s.MoveRun(ctx, run.ID, catalog.RunFinished, catalog.RunActivated, "")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DeleteRun(ctx, run.ID); !errors.Is(err, catalog.ErrConflict) || !strings.Contains(err.Error(), "roll it back") {
			t.Errorf("deleted in use: %v", err)
		}
		if list, err := s.RunsIn(ctx, catalog.RunActivated); err != nil || len(list) != 1 || list[0].Finished.IsZero() {
			t.Errorf("activated: %+v, %v", list, err)
		}
		for _, err := range []error{s.MoveRun(ctx, run.ID, catalog.RunActivated, catalog.RunRolledBack, ""), s.DeleteRun(ctx, run.ID)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DeleteRun(ctx, run.ID); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		if curves, err := s.RunSeries(ctx, run.ID, catalog.RunPoints{}); err != nil || len(curves) != 0 {
			t.Errorf("curves stay: %v, %v", curves, err)
		}
	})
}

func TestWatchRuns(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		var told []string
		var mu sync.Mutex
		stop := s.WatchRuns(func(n catalog.RunNews) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%s %d %v%s", n.Run.State, n.Run.Step, n.Points, kept(n)))
		})
		run := mustRun(t, s, "ours", "c")
		r := mustRecord(t, s, run.ID, catalog.RunPatience)
		for _, err := range []error{
			r.Begin(ctx, 2, 3), r.Point(ctx, 3, map[string]float64{"b": 1, "a": 2}), r.State(ctx, catalog.RunFinished, ""),
			s.MoveRun(ctx, run.ID, catalog.RunFinished, catalog.RunActivated, ""),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		stop()
		mustRun(t, s, "unheard", "c")
		mu.Lock()
		defer mu.Unlock()
		want := "[queued 0 [] running 0 [] running 2 [] kept 2 running 3 [{a 3 2} {b 3 1}] finished 3 [] activated 3 []]"
		if fmt.Sprint(told) != want {
			t.Errorf("told %v, want %s", told, want)
		}
	})
}

func kept(n catalog.RunNews) string {
	if n.Kept == catalog.KeptAll {
		return ""
	}
	return fmt.Sprint(" kept ", n.Kept)
}

// TestRecorderWaitsForTheCatalogue: what cannot be stored now is stored later.
func TestRecorderWaitsForTheCatalogue(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		run := mustRun(t, s, "ours", "c")
		r := mustRecord(t, s, run.ID, catalog.RunPatience)
		down, cancel := context.WithCancel(t.Context())
		cancel()
		for step := range int64(runBatch + 10) { // from 0, such as an evaluation before the first step
			if err := r.Point(down, step, map[string]float64{"loss": float64(step)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.State(t.Context(), catalog.RunFinished, ""); err != nil {
			t.Fatal(err)
		}
		curves, err := s.RunSeries(t.Context(), run.ID, catalog.RunPoints{})
		if err != nil || len(curves) != 1 || len(curves[0].Steps) != runBatch+10 {
			t.Errorf("%d curves, %v", len(curves), err)
		}
	})
}
