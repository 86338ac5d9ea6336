package training

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
)

// Start implements web.Trainer.
func (t *Trainer) Start(ctx context.Context, order catalog.RunOrder) (catalog.Run, error) {
	content, err := json.Marshal(withCollection(order.Config, order.Collection))
	if err != nil {
		return catalog.Run{}, err
	}
	config, err := ParseConfig(content, "")
	if err == nil {
		err = CheckName(order.Name)
	}
	if err != nil {
		return catalog.Run{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	config.Model = cmp.Or(config.Model, t.rollout.Name())
	run, err := t.create(ctx, order.Name, config)
	if err != nil {
		return catalog.Run{}, err
	}
	return run, t.enqueue(ctx, run)
}

// Resume implements web.Trainer.
func (t *Trainer) Resume(ctx context.Context, id string) (catalog.Run, error) {
	run, err := t.Catalog.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	if run.Interrupted(time.Now()) {
		if err := t.interrupted(ctx, run, t.patience()); err != nil {
			return catalog.Run{}, err
		}
		run.State = catalog.RunStopped
	}
	if run.State != catalog.RunStopped && run.State != catalog.RunFailed {
		return catalog.Run{}, catalog.Conflict("run %q is %s: only a stopped, failed or interrupted one can go on", run.Name, run.State)
	}
	if err := t.Catalog.MoveRun(ctx, id, run.State, catalog.RunQueued, ""); err != nil {
		return catalog.Run{}, err
	}
	if err := t.enqueue(ctx, run); err != nil {
		return catalog.Run{}, err
	}
	return t.Catalog.Run(ctx, id)
}

// Stop implements web.Trainer.
func (t *Trainer) Stop(ctx context.Context, id string) (catalog.Run, error) {
	run, err := t.Catalog.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	// The run first: its job may have been claimed, but not begun.
	moved := t.Catalog.MoveRun(ctx, id, catalog.RunQueued, catalog.RunStopped, "")
	job, err := t.jobOf(ctx, id)
	if err == nil {
		_, err = t.queue.Cancel(ctx, job.ID)
	}
	if err != nil && moved != nil {
		return catalog.Run{}, catalog.Conflict("run %q is %s: only one that waits or is being trained can be stopped", run.Name, run.State)
	}
	return t.Catalog.Run(ctx, id)
}

// Activate implements web.Trainer.
func (t *Trainer) Activate(ctx context.Context, id string, force bool) (catalog.Run, error) {
	run, err := t.Catalog.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	if err := Usable(run, force); err != nil {
		return catalog.Run{}, err
	}
	if err := t.rollout.Use(ctx, rollout.Used{Model: run.Output.Directory, Run: id}, force); err != nil {
		return catalog.Run{}, err
	}
	return t.Catalog.Run(ctx, id)
}

// Usable is nil for a run whose model searches may use.
func Usable(run catalog.Run, force bool) error {
	switch run.State {
	case catalog.RunFinished, catalog.RunRolledBack:
	case catalog.RunActivated:
		return catalog.Conflict("searches use the model of run %q already", run.Name)
	default:
		return catalog.Conflict("run %q is %s: its model can be used once it is finished", run.Name, run.State)
	}
	if force {
		return nil
	}
	return run.Verdict().Error()
}

// RollBack implements web.Trainer.
func (t *Trainer) RollBack(ctx context.Context, id string) (catalog.Run, error) {
	run, err := t.Catalog.Run(ctx, id)
	if err != nil {
		return catalog.Run{}, err
	}
	choice := t.rollout.Choice()
	coming := choice.Next != nil && choice.Next.Run == id
	if !coming && choice.Run != id {
		return catalog.Run{}, catalog.Conflict("searches do not use the model of run %q: there is nothing to roll back", run.Name)
	}
	if err := t.rollout.RollBack(ctx); err != nil {
		return catalog.Run{}, err
	}
	return t.Catalog.Run(ctx, id)
}
