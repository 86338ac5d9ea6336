package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/web"
)

// runs trains in the background, one run at a time, those that wait in the order
// in which they were ordered.
type runs struct {
	parts *parts
	wake  chan struct{} // capacity 1
	done  chan struct{} // closed when the work has ended

	mu      sync.Mutex
	stop    context.CancelFunc      // nil until start
	running string                  // ID
	cancel  context.CancelCauseFunc // of what is running
}

func newRuns(x *parts) *runs {
	return &runs{parts: x, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// start lets the work begin. Runs that an earlier process left running are
// stopped: to go on is for people to decide, who may want to search meanwhile.
func (r *runs) start(ctx context.Context) error {
	left, err := r.parts.store.RunsIn(ctx, catalog.RunRunning)
	if err != nil {
		return err
	}
	for _, run := range left {
		if err := r.interrupted(ctx, run); err != nil {
			return err
		}
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.mu.Lock()
	r.stop = stop
	r.mu.Unlock()
	go r.work(work)
	r.poke()
	return nil
}

// interrupted marks a run whose process is gone: this one holds the data folder.
func (r *runs) interrupted(ctx context.Context, run catalog.Run) error {
	r.parts.program.log.Info("a run was interrupted; it can be resumed", "run", run.Name, "step", run.Step)
	recorder, err := r.parts.store.RecordRun(ctx, run.ID, 0)
	if err != nil {
		return err
	}
	return errors.Join(recorder.State(ctx, catalog.RunStopped, "the process that trained it ended; resumed, it goes on from its last checkpoint"),
		recorder.Close())
}

// close stops the run that is going on, after a checkpoint.
func (r *runs) close(ctx context.Context) error {
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the run has not ended: %w", ctx.Err())
	}
}

func (r *runs) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *runs) work(ctx context.Context) {
	defer close(r.done)
	last := "" // ID of the run that was trained just now
	for {
		run, err := r.takeNext(ctx)
		if err != nil && ctx.Err() == nil {
			r.parts.program.log.Error("cannot start a run", "error", err)
		}
		if err == nil && run.ID != "" && run.ID != last {
			last = run.ID
			r.train(ctx, run)
			continue
		}
		var again <-chan time.Time
		if err != nil || run.ID != "" { // still queued, as when the catalogue cannot be written
			again = time.After(retryRuns)
		}
		last = ""
		select {
		case <-ctx.Done():
			return
		case <-again:
		case <-r.wake:
		}
	}
}

// retryRuns is how long to wait before what could not be taken is tried again.
const retryRuns = 5 * time.Second

// takeNext is the run that has waited longest, or none.
func (r *runs) takeNext(ctx context.Context) (catalog.Run, error) {
	if ctx.Err() != nil {
		return catalog.Run{}, ctx.Err()
	}
	waiting, err := r.parts.store.RunsIn(ctx, catalog.RunQueued)
	if err != nil || len(waiting) == 0 {
		return catalog.Run{}, err
	}
	return waiting[0], nil
}

func (r *runs) train(ctx context.Context, run catalog.Run) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.mu.Lock()
	r.running, r.cancel = run.ID, cancel
	r.mu.Unlock()
	log := r.parts.program.log.With("run", run.Name)
	log.Info("training begins")
	switch err := r.perform(ctx, run); {
	case errors.Is(err, catalog.ErrConflict):
		log.Info("the run is left alone", "reason", err) // it was stopped a moment ago
	case err != nil && ctx.Err() == nil:
		log.Error("training failed", "error", err)
	default:
		log.Info("training ended")
	}
	r.mu.Lock()
	r.running, r.cancel = "", nil
	r.mu.Unlock()
}

func (r *runs) perform(ctx context.Context, run catalog.Run) error {
	config, err := parseRunConfig(run.Config, "")
	if err != nil { // written by a program that knew other fields
		return errors.Join(err, r.parts.store.MoveRun(ctx, run.ID, catalog.RunQueued, catalog.RunFailed, err.Error()))
	}
	recorder, err := r.parts.store.RecordQueuedRun(ctx, run.ID)
	if err != nil {
		return err
	}
	scope := r.parts.program.sub()
	defer func() { _ = scope.close(ctx) }() // what it opened is only read
	t := training{program: scope, store: r.parts.store, name: run.Name, config: config, wrote: run.Output.Directory}
	_, err = t.record(ctx, run.ID, recorder)
	return err
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
	config.Model = cmp.Or(config.Model, r.parts.modelName())
	run, err := r.parts.program.createRun(ctx, r.parts.store, order.Name, config)
	if err != nil {
		return catalog.Run{}, err
	}
	r.poke()
	return run, nil
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
	if run.Interrupted(time.Now()) && !r.isRunning(id) {
		if err := r.interrupted(ctx, run); err != nil {
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
	r.poke()
	return r.parts.store.Run(ctx, id)
}

// Stop implements web.Trainer.
func (r *runs) Stop(ctx context.Context, id string) (catalog.Run, error) {
	run, err := r.parts.store.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	// The queue first: the worker may have chosen it, but not begun.
	if err := r.parts.store.MoveRun(ctx, id, catalog.RunQueued, catalog.RunStopped, ""); err != nil {
		if r.cancelRunning(id) {
			return run, nil
		}
		return catalog.Run{}, err
	}
	return r.parts.store.Run(ctx, id)
}

func (r *runs) isRunning(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running == id
}

func (r *runs) cancelRunning(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != id {
		return false
	}
	r.cancel(errStopped)
	return true
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
	if err := r.parts.use(ctx, usedModel{Model: run.Output.Directory, Run: id}, force); err != nil {
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
	choice := r.parts.choice()
	coming := choice.Next != nil && choice.Next.Run == id
	if !coming && choice.Run != id {
		return catalog.Run{}, fmt.Errorf("%w: searches do not use the model of run %q", catalog.ErrConflict, run.Name)
	}
	if err := r.parts.rollBack(ctx); err != nil {
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

var _ web.Trainer = (*runs)(nil)
