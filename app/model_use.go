package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"polylens/app/folder"
	"polylens/app/rollout"
	"polylens/app/training"
	"polylens/indexer/catalog"
	"polylens/web"
)

type modelUseCommand struct {
	Model string `arg:"" placeholder:"NAME|DIR" help:"The model to use: its name, or its directory."`
	Force bool   `help:"Use a model that has forgotten more than is allowed, or that finds less in a collection."`
}

// Help documents the command.
func (*modelUseCommand) Help() string {
	return `Lets the data folder use another model from now on, wherever --model names none. If pictures have the same vectors, as after ` +
		`text-only training, that happens at once. Otherwise all collections that are searched with the present model are encoded again, into a second index; ` +
		`then both models are compared by the captions of the pictures, and all searches switch to the new one at the same moment. ` +
		`What the old one needs stays, for "polylens model rollback"; indexes of earlier models are dropped. Vectors are kept, ` +
		`so that using such a model again encodes nothing but new pictures.

If "polylens serve" runs on the same data folder, it does the work, but only for models that runs have written; for any other, stop the server first.

Examples:

    polylens model use catalogue
    polylens model use google/siglip2-base-patch16-224
    polylens model rollback

` + exitHelp
}

type modelRollbackCommand struct{}

// Help documents the command.
func (*modelRollbackCommand) Help() string {
	return `Lets the data folder use the model again that it used before the last "polylens model use", with the index from then; nothing is ` +
		`encoded for it. Pictures that came later are found once their folders have been indexed again, which a server does by itself.

Example:

    polylens model rollback

` + exitHelp
}

func (c *modelUseCommand) Run(ctx context.Context, p *program) error {
	dir, err := p.findModel(c.Model)
	if err != nil {
		return err
	}
	running, err := p.holdOrFind(ctx, "model use")
	if err != nil {
		return err
	}
	if running != nil {
		return c.handOver(ctx, p, dir, running)
	}
	if lost := p.lostModel(); lost != "" {
		return c.inPlace(ctx, p, dir, lost)
	}
	x, err := p.openAll(ctx)
	if err != nil {
		return err
	}
	return c.here(ctx, x, dir)
}

// lostModel is the name of the model in use if that model is gone, else "".
func (p *program) lostModel() string {
	if _, err := p.findModel(p.globals.Model); err == nil || p.globals.named {
		return ""
	}
	return p.globals.Model
}

// inPlace uses the model in place of one that is gone.
func (c *modelUseCommand) inPlace(ctx context.Context, p *program, dir, lost string) error {
	store, err := p.openCatalog(ctx)
	if err != nil {
		return err
	}
	to, err := c.chosen(ctx, p.trainer(store), dir)
	if err != nil {
		return err
	}
	return p.useInPlace(to, lost)
}

// useInPlace makes the data folder use a model in place of one that is gone and can
// no longer be compared with or searched with.
func (p *program) useInPlace(to rollout.Used, lost string) error {
	to, err := rollout.Replace(p.globals.Data, to)
	if err != nil {
		return err
	}
	p.print("Searches use %s from now on, in place of %s, which is gone. Index collections again to find their pictures.", to.Model, lost)
	return nil
}

// openAll opens everything, including Milvus if anything is indexed, for a process
// without a server.
func (p *program) openAll(ctx context.Context) (*parts, error) {
	x, err := p.openParts(ctx)
	if err != nil {
		return nil, err
	}
	collections, err := x.store.Collections(ctx)
	if err != nil || len(collections) == 0 {
		return x, err
	}
	if err := x.connect(ctx); err != nil {
		return nil, err
	}
	return x, x.work(ctx)
}

func (c *modelUseCommand) here(ctx context.Context, x *parts, dir string) error {
	to, err := c.chosen(ctx, x.trainer, dir)
	if err != nil {
		return err
	}
	if err := x.rollout.Use(ctx, to, c.Force); err != nil {
		return err
	}
	if err := x.rollout.Settle(ctx); err != nil {
		return err
	}
	x.program.print("Searches use %s from now on.", c.Model)
	return nil
}

// chosen is the model to use, with the run that wrote it, if any.
func (c *modelUseCommand) chosen(ctx context.Context, trainer *training.Trainer, dir string) (rollout.Used, error) {
	run, err := trainer.Wrote(ctx, dir)
	if errors.Is(err, catalog.ErrNotFound) {
		return rollout.Used{Model: c.Model}, nil
	}
	if err != nil {
		return rollout.Used{}, err
	}
	return rollout.Used{Model: dir, Run: run.ID}, training.Usable(run, c.Force)
}

// handOver makes the server that holds the data folder use the model of a run.
func (c *modelUseCommand) handOver(ctx context.Context, p *program, dir string, running *runningServer) error {
	run, err := running.FindRun(ctx, "run of the model", func(run web.Run) bool { return run.Output != nil && run.Output.Directory == filepath.Clean(dir) })
	if errors.Is(err, catalog.ErrNotFound) {
		return fmt.Errorf("the data folder is %w by the server at %s, and no run wrote the model %s: stop the server first", folder.ErrInUse, running.address, c.Model)
	}
	if err != nil {
		return err
	}
	before := run.Error
	if run, err = running.ActivateRun(ctx, run.ID, c.Force); err != nil {
		return err
	}
	for run.State != catalog.RunActivated {
		if run.Error != "" && run.Error != before {
			return errors.New(run.Error)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
		if run, err = running.Run(ctx, run.ID); err != nil {
			return err
		}
	}
	p.print("Searches use %s from now on.", c.Model)
	return nil
}

func (c *modelRollbackCommand) Run(ctx context.Context, p *program) error {
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return err
	}
	if choice.Next == nil && len(choice.Before) == 0 {
		return catalog.Conflict("no other model was used before: there is nothing to go back to")
	}
	running, err := p.holdOrFind(ctx, "model rollback")
	if err != nil {
		return err
	}
	if running != nil {
		return c.handOver(ctx, p, running)
	}
	if lost := p.lostModel(); lost != "" {
		return p.rollBackFrom(lost)
	}
	x, err := p.openAll(ctx)
	if err != nil {
		return err
	}
	if err := x.rollout.RollBack(ctx); err != nil {
		return err
	}
	p.print("Searches use %s from now on.", x.rollout.Name())
	return nil
}

// rollBackFrom goes back to the latest model that is still there.
func (p *program) rollBackFrom(lost string) error {
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return err
	}
	if back, ok := choice.Back(p.isThere); ok {
		return p.useInPlace(back.Used, lost)
	}
	return fmt.Errorf("the model %s is gone, and so are those before it: choose one with `polylens model use`", lost)
}

func (c *modelRollbackCommand) handOver(ctx context.Context, p *program, running *runningServer) error {
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return err
	}
	id := choice.Run
	if choice.Next != nil {
		id = choice.Next.Run
	}
	if id == "" {
		return fmt.Errorf("the data folder is %w by the server at %s, and no run wrote the model %s: stop the server first", folder.ErrInUse, running.address, choice.Model)
	}
	if _, err := running.RollBackRun(ctx, id); err != nil {
		return err
	}
	if choice, err = readChoice(p.globals.Data); err != nil {
		return err
	}
	p.print("Searches use %s from now on.", choice.Model)
	return nil
}
