package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"polylens/indexer/catalog"

	"github.com/google/uuid"
)

// Rhythm of a RunRecorder.
const (
	runFlushEvery = time.Second
	runBeatEvery  = catalog.RunPatience / 6
	runCallLimit  = 10 * time.Second // for what it stores on its own
	runBatch      = 1000             // points that are stored without waiting for the next flush
	maxRunPending = 100 * runBatch   // points that wait while the catalogue does not answer
)

// RunRecorder keeps what happens in a run that this process trains, and gives a
// heartbeat for as long as it is open. It alone changes the run: a process that
// was taken for dead and wakes up learns by ErrConflict that it has lost the run.
// Its methods may be called from many goroutines.
type RunRecorder struct {
	store     *Store
	id, lease string
	quit      chan struct{}
	beating   sync.WaitGroup
	once      sync.Once

	storing sync.Mutex // held by what writes
	beat    time.Time  // when the catalogue was last written; guarded by storing

	mu      sync.Mutex
	pending []catalog.RunPoint
	step    int64
	over    error // why nothing can be recorded any more
}

// RecordRun takes a run for this process and starts it: one that is queued, stopped
// or failed, or running without a sign of life for longer than patience. A patience
// of 0 takes over whatever is running, for a process that alone holds the data
// folder. ErrConflict for other runs. Close the recorder at the end.
func (s *Store) RecordRun(ctx context.Context, id string, patience time.Duration) (*RunRecorder, error) {
	return s.record(ctx, id, `(state IN ($5, $6, $7) OR state = $2 AND heartbeat <= $8)`,
		catalog.RunQueued, catalog.RunStopped, catalog.RunFailed, millis(s.now().Add(-patience)))
}

// RecordQueuedRun is RecordRun for callers that find runs in the queue: one that was
// stopped in the meantime stays stopped.
func (s *Store) RecordQueuedRun(ctx context.Context, id string) (*RunRecorder, error) {
	return s.record(ctx, id, `state = $5`, catalog.RunQueued)
}

// record takes a run that meets a condition, whose values are numbered from 5.
func (s *Store) record(ctx context.Context, id, condition string, values ...any) (*RunRecorder, error) {
	lease, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("make lease: %w", err)
	}
	now := s.now()
	result, err := s.exec(ctx, `
		UPDATE runs SET state = $2, lease = $3, heartbeat = $4, error = '', finished = 0,
			started = CASE WHEN started > 0 THEN started ELSE $4 END
		WHERE id = $1 AND `+condition, append([]any{id, catalog.RunRunning, lease.String(), millis(now)}, values...)...)
	if err != nil {
		return nil, fmt.Errorf("take run %s: %w", id, err)
	}
	run, err := s.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	if changed(result) == 0 {
		return nil, catalog.Conflict("run %s is %s, so that it cannot be trained now", id, run.State)
	}
	s.runs.tell(catalog.RunNews{Run: run, Kept: catalog.KeptAll})
	r := &RunRecorder{store: s, id: id, lease: lease.String(), quit: make(chan struct{}), step: run.Step, beat: now}
	r.beating.Go(r.live)
	return r, nil
}

// Begin says where training begins, or goes on from: after step of steps. Points of
// later steps are dropped, and so is the best evaluation if it came later.
func (r *RunRecorder) Begin(ctx context.Context, step, steps int64) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	r.mu.Lock()
	r.step = step
	r.pending = slices.DeleteFunc(r.pending, func(p catalog.RunPoint) bool { return p.Step > step })
	r.mu.Unlock()
	return r.write(ctx, catalog.RunNews{Kept: step}, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM run_points WHERE run = $1 AND step > $2`, r.id, step)
		return err
	}, `step = $4, steps = $5,
		best_metric = CASE WHEN best_step > $4 THEN '' ELSE best_metric END,
		best_value = CASE WHEN best_step > $4 THEN 0 ELSE best_value END,
		best_step = CASE WHEN best_step > $4 THEN 0 ELSE best_step END`, step, steps)
}

// Point records values after a step, by name. They are stored within about a
// second. It fails only if the run is lost, or if too many points wait because the
// catalogue does not answer.
func (r *RunRecorder) Point(ctx context.Context, step int64, values map[string]float64) error {
	r.mu.Lock()
	if err := r.over; err != nil {
		r.mu.Unlock()
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		r.pending = append(r.pending, catalog.RunPoint{Name: name, Step: step, Value: values[name]})
	}
	r.step = step
	waiting := len(r.pending)
	r.mu.Unlock()
	if waiting < runBatch {
		return nil
	}
	err := r.Flush(ctx)
	if errors.Is(err, catalog.ErrConflict) || waiting > maxRunPending {
		return err
	}
	return nil // the points wait for the next flush
}

// Best records the best evaluation so far. Its value must be finite.
func (r *RunRecorder) Best(ctx context.Context, best catalog.RunBest) error {
	if math.IsNaN(best.Value) || math.IsInf(best.Value, 0) {
		return fmt.Errorf("best %s of run %s at step %d is %w: %v", best.Metric, r.id, best.Step, catalog.ErrInvalid, best.Value)
	}
	return r.change(ctx, `best_metric = $4, best_step = $5, best_value = $6`, best.Metric, best.Step, best.Value)
}

// Output records the model that the run wrote, and the verdict of the
// forgetting gate on it, as JSON; nil where there is none.
func (r *RunRecorder) Output(ctx context.Context, model catalog.RunModel, gate json.RawMessage) error {
	if len(gate) > 0 && !json.Valid(gate) {
		return fmt.Errorf("verdict on run %s is %w: it is not JSON", r.id, catalog.ErrInvalid)
	}
	return r.change(ctx, `output_directory = $4, output_fingerprint = $5, gate = $6`,
		model.Directory, model.Fingerprint, string(gate))
}

// State stores what waits and ends the run, as stopped, failed (with a reason)
// or finished. Nothing can be recorded afterwards.
func (r *RunRecorder) State(ctx context.Context, state catalog.RunState, reason string) error {
	if !state.Ended() {
		return fmt.Errorf("state %q at the end of run %s is %w: use %s, %s or %s",
			state, r.id, catalog.ErrInvalid, catalog.RunStopped, catalog.RunFailed, catalog.RunFinished)
	}
	if err := r.Flush(ctx); err != nil {
		return err
	}
	err := r.change(ctx, `state = $4, error = $5, finished = $6, lease = ''`, state, reason, millis(r.store.now()))
	if err == nil {
		r.end(catalog.Conflict("run %s is %s already", r.id, state))
	}
	return err
}

// Flush stores the points that wait.
func (r *RunRecorder) Flush(ctx context.Context) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	r.mu.Lock()
	points, step := r.pending, r.step
	r.pending = nil
	r.mu.Unlock()
	if len(points) == 0 {
		return nil
	}
	err := r.write(ctx, catalog.RunNews{Kept: catalog.KeptAll, Points: points}, nil, `step = $4`, step)
	if err != nil && !errors.Is(err, catalog.ErrConflict) {
		r.mu.Lock()
		r.pending = append(points, r.pending...)
		r.mu.Unlock()
	}
	return err
}

// Close stores what waits and ends the heartbeat. A run that has not ended then
// soon counts as interrupted.
func (r *RunRecorder) Close() error {
	r.once.Do(func() { close(r.quit) })
	r.beating.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), runCallLimit)
	defer cancel()
	return r.Flush(ctx)
}

// live flushes and gives signs of life until quit. Errors show in what the
// trainer calls.
func (r *RunRecorder) live() {
	ticker := time.NewTicker(runFlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-r.quit:
			return
		case <-ticker.C:
			ctx, cancel := context.WithTimeout(context.Background(), runCallLimit)
			_ = r.Flush(ctx)
			_ = r.pulse(ctx)
			cancel()
		}
	}
}

// pulse gives a sign of life unless something else was stored lately.
func (r *RunRecorder) pulse(ctx context.Context) error {
	r.storing.Lock()
	due := r.store.now().Sub(r.beat) >= runBeatEvery
	r.storing.Unlock()
	if !due {
		return nil
	}
	return r.change(ctx, `lease = lease`)
}

// change sets columns of the run, whose arguments begin with $4.
func (r *RunRecorder) change(ctx context.Context, set string, args ...any) error {
	r.storing.Lock()
	defer r.storing.Unlock()
	return r.write(ctx, catalog.RunNews{Kept: catalog.KeptAll}, nil, set, args...)
}

// write does in one transaction what change does, calls more unless nil, and stores
// the points of news; then it sends news to the watchers. The caller holds storing.
func (r *RunRecorder) write(ctx context.Context, news catalog.RunNews, more func(*sql.Tx) error, set string, args ...any) error {
	if err := r.ended(); err != nil {
		return err
	}
	now := r.store.now()
	err := r.store.update(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE runs SET heartbeat = $3, `+set+` WHERE id = $1 AND lease = $2`,
			append([]any{r.id, r.lease, millis(now)}, args...)...)
		if err != nil {
			return fmt.Errorf("record run %s: %w", r.id, err)
		}
		if changed(result) == 0 {
			r.end(catalog.Conflict("run %s was taken by another process, or deleted", r.id))
			return r.ended()
		}
		if more != nil {
			if err := more(tx); err != nil {
				return fmt.Errorf("record run %s: %w", r.id, err)
			}
		}
		return saveRunPoints(ctx, tx, r.id, news.Points)
	})
	if err != nil {
		return err
	}
	r.beat = now
	return r.store.tellRun(ctx, r.id, news)
}

func (r *RunRecorder) ended() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// end stops all further recording.
func (r *RunRecorder) end(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = reason
}
