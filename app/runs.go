package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
)

// jobTrain is the kind of jobs that train a run.
const jobTrain = "train"

// trainParams says which run a job trains.
type trainParams struct {
	Run string `json:"run"` // ID
}

// runs trains in the background, one run at a time, those that wait in the order
// in which they were ordered.
type runs struct {
	parts *parts
	queue *jobs.Queue
}

// kind is the job that trains a run.
func (r *runs) kind() jobs.Kind {
	return jobs.Kind{Name: jobTrain, Handle: r.handle, PerProcess: 1, Exclusive: func(string) string { return jobTrain }}
}

// start takes up what an earlier process has left. Runs that it trained are
// stopped: to go on is for people to decide, who may want to search meanwhile.
func (r *runs) start(ctx context.Context) error {
	left, err := r.parts.store.RunsIn(ctx, catalog.RunRunning)
	if err != nil {
		return err
	}
	for _, run := range left {
		err := r.interrupted(ctx, run, r.parts.program.runPatience())
		if err != nil && !errors.Is(err, catalog.ErrConflict) { // that is one that another process trains
			return err
		}
	}
	waiting, err := r.parts.store.RunsIn(ctx, catalog.RunQueued)
	if err != nil {
		return err
	}
	for _, run := range waiting {
		_, err := r.jobOf(ctx, run.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			err = r.enqueue(ctx, run)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// interrupted marks a run whose process is gone: it has given no sign of life for so
// long, or this one holds the data folder, or the lease of the run's job.
func (r *runs) interrupted(ctx context.Context, run catalog.Run, silent time.Duration) error {
	recorder, err := r.parts.store.RecordRun(ctx, run.ID, silent)
	if err != nil {
		return err
	}
	r.parts.program.log.Info("a run was interrupted; it can be resumed", "run", run.Name, "step", run.Step)
	return errors.Join(recorder.State(ctx, catalog.RunStopped, "the process that trained it ended; resumed, it goes on from its last checkpoint"),
		recorder.Close())
}

func (r *runs) enqueue(ctx context.Context, run catalog.Run) error {
	_, err := r.queue.Enqueue(ctx, jobs.Order{Kind: jobTrain, Collection: run.Collection, Params: trainParams{run.ID}})
	return err
}

// jobOf is the job that trains a run, or is to; catalog.ErrNotFound for none.
func (r *runs) jobOf(ctx context.Context, run string) (catalog.Job, error) {
	filter := catalog.JobFilter{Kind: jobTrain, States: []catalog.JobState{catalog.JobQueued, catalog.JobRunning}, Limit: 1000}
	found, err := r.queue.List(ctx, filter)
	for _, job := range found {
		var params trainParams
		if json.Unmarshal(job.Params, &params) == nil && params.Run == run {
			return job, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("job of run %.80q: %w", run, catalog.ErrNotFound)
	}
	return catalog.Job{}, err
}

func (r *runs) handle(ctx context.Context, job *jobs.Running) error {
	var params trainParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	run, err := r.parts.store.Run(ctx, params.Run)
	if err != nil {
		return err
	}
	if run.State == catalog.RunRunning { // its worker fell silent
		if err := r.interrupted(ctx, run, 0); err != nil {
			return err
		}
	}
	log := r.parts.program.log.With("run", run.Name)
	log.Info("training begins")
	err = r.train(ctx, run)
	log.Info("training ended", "error", err)
	return err
}

func (r *runs) train(ctx context.Context, run catalog.Run) error {
	recorder, err := r.take(ctx, run)
	if err != nil {
		return err
	}
	config, err := parseRunConfig(run.Config, "")
	if err != nil { // written by a program that knew other fields
		return errors.Join(err, recorder.State(ctx, catalog.RunFailed, err.Error()), recorder.Close())
	}
	scope := r.parts.program.sub()
	defer func() { _ = scope.close(ctx) }() // what it opened is only read
	t := training{program: scope, store: r.parts.store, name: run.Name, config: config, wrote: run.Output.Directory}
	_, err = t.record(ctx, run.ID, recorder)
	return err
}

// retryTake is how long to wait before a run that could not be taken, as when the
// disk is full, is tried again.
const retryTake = 5 * time.Second

// take takes a run that is queued; one that was stopped since stays so.
func (r *runs) take(ctx context.Context, run catalog.Run) (*database.RunRecorder, error) {
	for {
		recorder, err := r.parts.store.RecordQueuedRun(ctx, run.ID)
		if err == nil || errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) || ctx.Err() != nil {
			return recorder, err
		}
		r.parts.program.log.Error("cannot begin a run, trying again", "run", run.Name, "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryTake):
		}
	}
}

// Start implements web.Trainer.
func (r *runs) Start(ctx context.Context, order catalog.RunOrder) (catalog.Run, error) {
	content, err := json.Marshal(withCollection(order.Config, order.Collection))
	if err != nil {
		return catalog.Run{}, err
	}
	config, err := parseRunConfig(content, "")
	if err == nil {
		err = checkRunName(order.Name)
	}
	if err != nil {
		return catalog.Run{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	config.Model = cmp.Or(config.Model, r.parts.rollout.Name())
	run, err := r.parts.program.createRun(ctx, r.parts.store, order.Name, config)
	if err != nil {
		return catalog.Run{}, err
	}
	return run, r.enqueue(ctx, run)
}

// createRun checks a configuration, completes it and queues a run.
func (p *program) createRun(ctx context.Context, store *database.Store, name string, config runConfig) (catalog.Run, error) {
	run, err := p.plannedRun(ctx, store, name, config)
	if err != nil {
		return run, err
	}
	if earlier, err := store.RunNamed(ctx, name); err == nil {
		return run, fmt.Errorf("%w: there is a run %q already, which is %s: choose another name, resume it, or delete it", catalog.ErrConflict, name, earlier.State)
	} else if !errors.Is(err, catalog.ErrNotFound) {
		return run, err
	}
	return store.CreateRun(ctx, run)
}

// plannedRun is a run that could be created if there were none of its name.
func (p *program) plannedRun(ctx context.Context, store *database.Store, name string, config runConfig) (catalog.Run, error) {
	run, err := p.completeRun(ctx, store, name, &config)
	if err != nil {
		return run, err
	}
	models, err := p.modelsFolder()
	if err != nil {
		return run, err
	}
	return run, checkFree(filepath.Join(models, name))
}

// checkFree refuses the directory of a model that is there already.
func checkFree(dir string) error {
	if exists(dir) {
		return fmt.Errorf("%w: there is a model %s already: choose another --name, or remove it with `polylens model rm` first", catalog.ErrConflict, dir)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// completeRun finds what a configuration names, and names it so that it can be
// found again.
func (p *program) completeRun(ctx context.Context, store *database.Store, name string, config *runConfig) (catalog.Run, error) {
	config.Data.Guard = cmp.Or(config.Data.Guard, demoPairs)
	if err := config.Data.check(); err != nil {
		return catalog.Run{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	if name := config.Data.Collection; name != "" {
		if _, err := store.Collection(ctx, name); err != nil {
			return catalog.Run{}, fmt.Errorf("collection %q: %w", name, err)
		}
	}
	model, err := p.openForTraining(config.Model)
	if err != nil {
		return catalog.Run{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	config.Model = model.Dir
	content, err := json.Marshal(config)
	return catalog.Run{
		Name: name, Collection: config.Data.Collection, Data: config.Data.String(), Config: content,
		Base: catalog.RunModel{Directory: model.Dir, Fingerprint: model.Fingerprint},
	}, err
}

// Resume implements web.Trainer.
func (r *runs) Resume(ctx context.Context, id string) (catalog.Run, error) {
	run, err := r.parts.store.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	if run.Interrupted(time.Now()) {
		if err := r.interrupted(ctx, run, 0); err != nil {
			return catalog.Run{}, err
		}
		run.State = catalog.RunStopped
	}
	if run.State != catalog.RunStopped && run.State != catalog.RunFailed {
		return catalog.Run{}, fmt.Errorf("%w: run %q is %s; only a stopped, failed or interrupted one can go on", catalog.ErrConflict, run.Name, run.State)
	}
	if err := r.parts.store.MoveRun(ctx, id, run.State, catalog.RunQueued, ""); err != nil {
		return catalog.Run{}, err
	}
	if err := r.enqueue(ctx, run); err != nil {
		return catalog.Run{}, err
	}
	return r.parts.store.Run(ctx, id)
}

// Stop implements web.Trainer.
func (r *runs) Stop(ctx context.Context, id string) (catalog.Run, error) {
	run, err := r.parts.store.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	// The run first: its job may have been claimed, but not begun.
	moved := r.parts.store.MoveRun(ctx, id, catalog.RunQueued, catalog.RunStopped, "")
	job, err := r.jobOf(ctx, id)
	if err == nil {
		_, err = r.queue.Cancel(ctx, job.ID)
	}
	if err != nil && moved != nil {
		return catalog.Run{}, fmt.Errorf("run %q is %s: %w", run.Name, run.State, catalog.ErrConflict)
	}
	return r.parts.store.Run(ctx, id)
}

// Activate implements web.Trainer.
func (r *runs) Activate(ctx context.Context, id string, force bool) (catalog.Run, error) {
	run, err := r.parts.store.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	if err := activatable(run, force); err != nil {
		return catalog.Run{}, err
	}
	if err := r.parts.rollout.Use(ctx, rollout.Used{Model: run.Output.Directory, Run: id}, force); err != nil {
		return catalog.Run{}, err
	}
	return r.parts.store.Run(ctx, id)
}

// activatable is nil for a run whose model searches may use.
func activatable(run catalog.Run, force bool) error {
	switch run.State {
	case catalog.RunFinished, catalog.RunRolledBack:
	case catalog.RunActivated:
		return fmt.Errorf("%w: searches use the model of run %q already", catalog.ErrConflict, run.Name)
	default:
		return fmt.Errorf("%w: run %q is %s: its model can be used once it is finished", catalog.ErrConflict, run.Name, run.State)
	}
	if force {
		return nil
	}
	return run.Verdict().Error()
}

// RollBack implements web.Trainer.
func (r *runs) RollBack(ctx context.Context, id string) (catalog.Run, error) {
	run, err := r.parts.store.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	choice := r.parts.rollout.Choice()
	coming := choice.Next != nil && choice.Next.Run == id
	if !coming && choice.Run != id {
		return catalog.Run{}, fmt.Errorf("%w: searches do not use the model of run %q", catalog.ErrConflict, run.Name)
	}
	if err := r.parts.rollout.RollBack(ctx); err != nil {
		return catalog.Run{}, err
	}
	return r.parts.store.Run(ctx, id)
}

// Delete implements web.Trainer.
func (r *runs) Delete(ctx context.Context, id string) error {
	return r.parts.program.deleteRun(ctx, r.parts.store, id)
}

// deleteRun removes a run, and its folder unless a later one has its name.
func (p *program) deleteRun(ctx context.Context, store *database.Store, id string) error {
	run, err := store.Run(ctx, id)
	if err != nil {
		return err
	}
	if err := store.DeleteRun(ctx, id); err != nil {
		return err
	}
	if _, err := store.RunNamed(ctx, run.Name); !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if !filepath.IsLocal(run.Name) {
		return nil
	}
	return os.RemoveAll(p.runFolder(run.Name))
}
