package database

import (
	"context"
	"encoding/json"
	"fmt"

	"polylens/indexer/catalog"

	"github.com/google/uuid"
)

// CreateRun adds a run in state queued. Name, Collection, Data, Base and Config
// are taken from run; a config that is not JSON is ErrInvalid.
func (s *Store) CreateRun(ctx context.Context, run catalog.Run) (catalog.Run, error) {
	if !json.Valid(run.Config) {
		return catalog.Run{}, fmt.Errorf("config of run %q is %w: it is not JSON", run.Name, catalog.ErrInvalid)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return catalog.Run{}, fmt.Errorf("make run id: %w", err)
	}
	run = catalog.Run{
		ID: id.String(), Name: run.Name, Collection: run.Collection, Data: run.Data, Base: run.Base, Config: run.Config,
		State: catalog.RunQueued, Created: fromMillis(millis(s.now())),
	}
	_, err = s.exec(ctx, `
		INSERT INTO runs (id, name, collection, data, base_directory, base_fingerprint, config, state, created,
			step, steps, error, best_metric, best_step, best_value, output_directory, output_fingerprint, gate,
			lease, heartbeat, started, finished)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '', '', 0, 0, '', '', '', '', 0, 0, 0)`,
		run.ID, run.Name, run.Collection, run.Data, run.Base.Directory, run.Base.Fingerprint, string(run.Config),
		run.State, millis(run.Created))
	if err != nil {
		return catalog.Run{}, fmt.Errorf("create run %q: %w", run.Name, err)
	}
	s.runs.tell(catalog.RunNews{Run: run, Kept: catalog.KeptAll})
	return run, nil
}

const selectRun = `SELECT id, name, collection, data, base_directory, base_fingerprint, config, state, step, steps,
	error, best_metric, best_step, best_value, output_directory, output_fingerprint, gate,
	created, started, finished, heartbeat FROM runs`

// Run returns one run, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (catalog.Run, error) {
	runs, err := s.readRuns(ctx, selectRun+` WHERE id = $1`, id)
	if err != nil {
		return catalog.Run{}, err
	}
	if len(runs) == 0 {
		return catalog.Run{}, fmt.Errorf("run %.80q: %w", id, catalog.ErrNotFound)
	}
	return runs[0], nil
}

// Runs returns up to limit runs, newest first, beginning before the run with
// ID before ("" for the first page). An empty collection means all.
func (s *Store) Runs(ctx context.Context, collection, before string, limit int) ([]catalog.Run, error) {
	return s.readRuns(ctx, selectRun+`
		WHERE (collection = $1 OR CAST($1 AS TEXT) = '') AND (id < $2 OR CAST($2 AS TEXT) = '')
		ORDER BY id DESC LIMIT $3`, collection, before, limit)
}

// RunsIn returns all runs in a state, oldest first.
func (s *Store) RunsIn(ctx context.Context, state catalog.RunState) ([]catalog.Run, error) {
	return s.readRuns(ctx, selectRun+` WHERE state = $1 ORDER BY id`, state)
}

func (s *Store) readRuns(ctx context.Context, query string, args ...any) ([]catalog.Run, error) {
	runs := []catalog.Run{}
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

func scanRun(scan func(...any) error) (catalog.Run, error) {
	var r catalog.Run
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

// MoveRun takes a run that nobody is training from one state to another; reason is
// kept for failed runs. ErrConflict when it is not in state from, or is being
// trained: then only its RunRecorder moves it.
func (s *Store) MoveRun(ctx context.Context, id string, from, to catalog.RunState, reason string) error {
	if from == catalog.RunRunning || to == catalog.RunRunning {
		return catalog.Conflict("run %.80q cannot move from %s to %s, because its trainer does that", id, from, to)
	}
	result, err := s.exec(ctx, `
		UPDATE runs SET state = $1, error = $2,
			finished = CASE WHEN CAST($3 AS BIGINT) > 0 THEN $3 ELSE finished END
		WHERE id = $4 AND state = $5`, to, reason, s.endOf(to), id, from)
	if err != nil {
		return fmt.Errorf("move run %s to %s: %w", id, to, err)
	}
	if changed(result) == 0 {
		return catalog.Conflict("run %.80q is not %s", id, from)
	}
	return s.tellRun(ctx, id, catalog.RunNews{Kept: catalog.KeptAll})
}

// endOf returns the time at which a run ends by going to a state, 0 if it does not end.
func (s *Store) endOf(to catalog.RunState) int64 {
	if to.Ended() {
		return millis(s.now())
	}
	return 0
}

// DeleteRun removes a run and its curves, not its files. ErrConflict when it is
// being trained, or searches use its model.
func (s *Store) DeleteRun(ctx context.Context, id string) error {
	run, err := s.Run(ctx, id)
	if err != nil {
		return err
	}
	if run.State == catalog.RunActivated {
		return catalog.Conflict("run %s is in use by searches: roll it back first", id)
	}
	alive := millis(s.now().Add(-catalog.RunPatience))
	result, err := s.exec(ctx, `
		DELETE FROM runs WHERE id = $1 AND state <> $2 AND (state <> $3 OR heartbeat < $4)`,
		id, catalog.RunActivated, catalog.RunRunning, alive)
	if err != nil {
		return fmt.Errorf("delete run %s: %w", id, err)
	}
	if changed(result) == 0 {
		return catalog.Conflict("run %s is running: stop it first", id)
	}
	return nil
}

// RunNamed returns the newest run with a name, or ErrNotFound.
func (s *Store) RunNamed(ctx context.Context, name string) (catalog.Run, error) {
	runs, err := s.readRuns(ctx, selectRun+` WHERE name = $1 ORDER BY id DESC LIMIT 1`, name)
	if err != nil {
		return catalog.Run{}, err
	}
	if len(runs) == 0 {
		return catalog.Run{}, fmt.Errorf("run %.80q: %w", name, catalog.ErrNotFound)
	}
	return runs[0], nil
}
