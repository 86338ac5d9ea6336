package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// RunState is where a run stands.
type RunState string

const (
	RunQueued     RunState = "queued"
	RunRunning    RunState = "running"
	RunStopped    RunState = "stopped" // by somebody; it can go on
	RunFailed     RunState = "failed"  // it can go on
	RunFinished   RunState = "finished"
	RunActivated  RunState = "activated"   // searches use its model
	RunRolledBack RunState = "rolled_back" // searches used its model
)

// ended tells whether training is over for now.
func (s RunState) ended() bool { return s == RunStopped || s == RunFailed || s == RunFinished }

// Run is one training.
type Run struct {
	ID         string          `json:"id"` // UUIDv7: sorts by creation
	Name       string          `json:"name"`
	Collection string          `json:"collection,omitempty"` // whose pairs it learns from
	Data       string          `json:"data,omitempty"`       // what it learns from, for people
	Base       RunModel        `json:"base"`                 // what it began with
	Config     json.RawMessage `json:"config"`
	State      RunState        `json:"state"`
	Step       int64           `json:"step"`  // optimizer steps done
	Steps      int64           `json:"steps"` // optimizer steps to do; 0 when not known yet
	Error      string          `json:"error,omitempty"`
	Best       RunBest         `json:"best,omitzero"`
	Output     RunModel        `json:"output,omitzero"` // what it wrote
	Gate       json.RawMessage `json:"gate,omitempty"`  // verdict of the forgetting gate
	Created    time.Time       `json:"created"`
	Started    time.Time       `json:"started,omitzero"`
	Finished   time.Time       `json:"finished,omitzero"`
	Heartbeat  time.Time       `json:"heartbeat,omitzero"` // last sign of life of the process that trains it
}

// RunModel is a model that a run began with or wrote.
type RunModel struct {
	Directory   string `json:"directory"`
	Fingerprint string `json:"fingerprint"`
}

// RunBest is the best evaluation of a run by the metric that it is judged by.
type RunBest struct {
	Metric string  `json:"metric"`
	Step   int64   `json:"step"`
	Value  float64 `json:"value"`
}

// RunPatience is how long a run may give no sign of life before it counts as
// interrupted. A RunRecorder gives several in that time.
const RunPatience = time.Minute

// Interrupted tells whether the process that trained the run is gone, by now.
// Such a run can be resumed.
func (r Run) Interrupted(now time.Time) bool {
	return r.State == RunRunning && now.Sub(r.Heartbeat) > RunPatience
}

// CreateRun adds a run in state queued. Name, Collection, Data, Base and Config
// are taken from run; a config that is not JSON is ErrInvalid.
func (s *Store) CreateRun(ctx context.Context, run Run) (Run, error) {
	if !json.Valid(run.Config) {
		return Run{}, fmt.Errorf("config of run %q is %w: it is not JSON", run.Name, ErrInvalid)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Run{}, fmt.Errorf("make run id: %w", err)
	}
	run = Run{
		ID: id.String(), Name: run.Name, Collection: run.Collection, Data: run.Data, Base: run.Base, Config: run.Config,
		State: RunQueued, Created: fromMillis(millis(s.now())),
	}
	_, err = s.write.ExecContext(ctx, `
		INSERT INTO runs (id, name, collection, data, base_directory, base_fingerprint, config, state, created,
			step, steps, error, best_metric, best_step, best_value, output_directory, output_fingerprint, gate,
			lease, heartbeat, started, finished)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '', '', 0, 0, '', '', '', '', 0, 0, 0)`,
		run.ID, run.Name, run.Collection, run.Data, run.Base.Directory, run.Base.Fingerprint, string(run.Config),
		run.State, millis(run.Created))
	if err != nil {
		return Run{}, fmt.Errorf("create run %q: %w", run.Name, err)
	}
	s.runs.tell(RunNews{Run: run, Kept: KeptAll})
	return run, nil
}

const selectRun = `SELECT id, name, collection, data, base_directory, base_fingerprint, config, state, step, steps,
	error, best_metric, best_step, best_value, output_directory, output_fingerprint, gate,
	created, started, finished, heartbeat FROM runs`

// Run returns one run, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	runs, err := s.readRuns(ctx, selectRun+` WHERE id = $1`, id)
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, fmt.Errorf("run %.80q: %w", id, ErrNotFound)
	}
	return runs[0], nil
}

// Runs returns up to limit runs, newest first, beginning before the run with
// ID before ("" for the first page). An empty collection means all.
func (s *Store) Runs(ctx context.Context, collection, before string, limit int) ([]Run, error) {
	return s.readRuns(ctx, selectRun+`
		WHERE (collection = $1 OR CAST($1 AS TEXT) = '') AND (id < $2 OR CAST($2 AS TEXT) = '')
		ORDER BY id DESC LIMIT $3`, collection, before, limit)
}

// RunsIn returns all runs in a state, oldest first.
func (s *Store) RunsIn(ctx context.Context, state RunState) ([]Run, error) {
	return s.readRuns(ctx, selectRun+` WHERE state = $1 ORDER BY id`, state)
}

func (s *Store) readRuns(ctx context.Context, query string, args ...any) ([]Run, error) {
	runs := []Run{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		run, err := scanRun(scan)
		runs = append(runs, run)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return runs, nil
}

func scanRun(scan func(...any) error) (Run, error) {
	var r Run
	var config, gate string
	var created, started, finished, heartbeat int64
	err := scan(&r.ID, &r.Name, &r.Collection, &r.Data, &r.Base.Directory, &r.Base.Fingerprint, &config, &r.State,
		&r.Step, &r.Steps, &r.Error, &r.Best.Metric, &r.Best.Step, &r.Best.Value,
		&r.Output.Directory, &r.Output.Fingerprint, &gate, &created, &started, &finished, &heartbeat)
	r.Config = json.RawMessage(config)
	if gate != "" {
		r.Gate = json.RawMessage(gate)
	}
	r.Created, r.Started = fromMillis(created), fromMillis(started)
	r.Finished, r.Heartbeat = fromMillis(finished), fromMillis(heartbeat)
	return r, err
}

// MoveRun takes a run that nobody trains from one state to another; reason is
// kept for failed runs. ErrConflict when it is not in state from, or is
// trained: then only its RunRecorder moves it.
func (s *Store) MoveRun(ctx context.Context, id string, from, to RunState, reason string) error {
	if from == RunRunning || to == RunRunning {
		return fmt.Errorf("run %.80q cannot move from %s to %s, for its trainer does that: %w", id, from, to, ErrConflict)
	}
	result, err := s.write.ExecContext(ctx, `
		UPDATE runs SET state = $1, error = $2,
			finished = CASE WHEN CAST($3 AS BIGINT) > 0 THEN $3 ELSE finished END
		WHERE id = $4 AND state = $5`, to, reason, s.endOf(to), id, from)
	if err != nil {
		return fmt.Errorf("move run %s to %s: %w", id, to, err)
	}
	if changed(result) == 0 {
		return fmt.Errorf("run %.80q is not %s: %w", id, from, ErrConflict)
	}
	return s.tellRun(ctx, id, RunNews{Kept: KeptAll})
}

// endOf is the moment at which a run ends by going to a state, 0 if it does not.
func (s *Store) endOf(to RunState) int64 {
	if to.ended() {
		return millis(s.now())
	}
	return 0
}

// DeleteRun removes a run and its curves, not its files. ErrConflict when it is
// trained at present, or searches use its model.
func (s *Store) DeleteRun(ctx context.Context, id string) error {
	run, err := s.Run(ctx, id)
	if err != nil {
		return err
	}
	if run.State == RunActivated {
		return fmt.Errorf("run %s is in use by searches, roll it back first: %w", id, ErrConflict)
	}
	alive := millis(s.now().Add(-RunPatience))
	result, err := s.write.ExecContext(ctx, `
		DELETE FROM runs WHERE id = $1 AND state <> $2 AND (state <> $3 OR heartbeat < $4)`,
		id, RunActivated, RunRunning, alive)
	if err != nil {
		return fmt.Errorf("delete run %s: %w", id, err)
	}
	if changed(result) == 0 {
		return fmt.Errorf("run %s is running, stop it first: %w", id, ErrConflict)
	}
	return nil
}

// RunNamed returns the newest run of a name, or ErrNotFound.
func (s *Store) RunNamed(ctx context.Context, name string) (Run, error) {
	runs, err := s.readRuns(ctx, selectRun+` WHERE name = $1 ORDER BY id DESC LIMIT 1`, name)
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, fmt.Errorf("run %.80q: %w", name, ErrNotFound)
	}
	return runs[0], nil
}
