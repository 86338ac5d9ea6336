package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// choice is the data folder's model and what comes next.
func (x *parts) choice() modelChoice {
	x.choosing.Lock()
	defer x.choosing.Unlock()
	return x.chosen
}

// choose keeps a choice, in the data folder first.
func (x *parts) choose(choice modelChoice) error {
	if err := choice.write(x.program.globals.Data); err != nil {
		return err
	}
	x.choosing.Lock()
	defer x.choosing.Unlock()
	x.chosen = choice
	return nil
}

// checkChoosable refuses where the command line has chosen for the data folder.
func (x *parts) checkChoosable() error {
	if !x.program.globals.named {
		return nil
	}
	return fmt.Errorf("%w: this process was told its model by --model or POLYLENS_MODEL, which the data folder's choice would not outlast: "+
		"start it without, after `polylens model use %s`", catalog.ErrConflict, x.program.globals.Model)
}

// use lets the data folder use another model: at once if pictures have the
// vectors that they had, else as soon as every collection has been encoded anew
// beside the index that searches go on to use.
func (x *parts) use(ctx context.Context, to usedModel, force bool) error {
	x.switching.Lock()
	defer x.switching.Unlock()
	choice := x.choice()
	if err := x.checkChoosable(); err != nil {
		return err
	}
	to, err := to.lasting()
	if err != nil {
		return err
	}
	if choice.Next != nil {
		return fmt.Errorf("%w: collections are being encoded for the model %s: wait for that, or roll back", catalog.ErrConflict, choice.Next.Model)
	}
	if choice.usedModel == to {
		return nil
	}
	next, err := x.load(ctx, to.Model)
	if err != nil {
		return err
	}
	behind, err := x.behind(ctx, next)
	if err != nil {
		return errors.Join(err, next.retire())
	}
	if len(behind) == 0 {
		if err := x.useNow(ctx, next, to, force); err != nil {
			return errors.Join(err, next.retire())
		}
		return nil
	}
	return x.prepare(ctx, next, &nextModel{usedModel: to, Force: force}, behind)
}

// useNow lets searches use a model that has seen all pictures. It is compared with
// the one in use, unless texts alone have changed and the forgetting gate has
// judged that.
func (x *parts) useNow(ctx context.Context, next *views, to usedModel, force bool) error {
	samePictures := next.model.PictureFingerprint() == x.models.now().model.PictureFingerprint()
	if run, err := x.store.Run(ctx, to.Run); err != nil || len(run.Gate) == 0 || !samePictures {
		if err := x.compare(ctx, next, force); err != nil {
			return err
		}
	}
	return x.flip(ctx, next, x.choice().to(to))
}

// load opens a model so far that the first query does not wait for it.
func (x *parts) load(ctx context.Context, name string) (*views, error) {
	model, err := x.program.openModel(ctx, name)
	if err != nil {
		return nil, err
	}
	loaded := newViews(model)
	if err := model.Load(true, false); err != nil {
		return nil, errors.Join(err, loaded.retire())
	}
	return loaded, nil
}

// behind are the collections that can be searched now and not yet with another
// model.
func (x *parts) behind(ctx context.Context, next *views) ([]catalog.Collection, error) {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return nil, err
	}
	var behind []catalog.Collection
	for _, collection := range collections {
		if collection.Images == 0 || !x.models.now().searches(collection) || next.searches(collection) {
			continue
		}
		move, err := x.move(ctx, collection, next)
		if err != nil {
			return nil, err
		}
		if move.missing > 0 {
			behind = append(behind, collection)
		}
	}
	return behind, nil
}

// prepare encodes collections for the next model. Whatever is indexed from now
// on is encoded by it.
func (x *parts) prepare(ctx context.Context, next *views, model *nextModel, behind []catalog.Collection) error {
	if err := x.models.expect(next); err != nil {
		return err
	}
	tasks, err := x.encodeAnew(ctx, behind)
	model.Tasks = tasks
	choice := x.choice()
	choice.Next = model
	if err = errors.Join(err, x.choose(choice)); err != nil {
		return errors.Join(err, x.abandon(ctx))
	}
	x.program.log.Info("collections are encoded for the next model; searches use the one before", "model", model.Model, "collections", len(behind))
	return nil
}

// encodeAnew queues the indexing of all folders of collections.
func (x *parts) encodeAnew(ctx context.Context, collections []catalog.Collection) (tasks []string, err error) {
	for _, collection := range collections {
		names, err := x.store.Sources(ctx, collection.Name)
		if err != nil {
			return tasks, err
		}
		for _, name := range names {
			folder, err := source.Folder(name)
			if err != nil {
				return tasks, err
			}
			task, err := x.tasks.Enqueue(ctx, indexer.TaskIndex, collection.Name, indexer.TaskParams{Directory: folder})
			if err != nil {
				return tasks, fmt.Errorf("the pictures of collection %q are needed to encode them anew: %w", collection.Name, err)
			}
			tasks = append(tasks, task.ID)
		}
	}
	return tasks, nil
}

// resume loads the next model again, for which an earlier process has begun to
// encode.
func (x *parts) resume(ctx context.Context) error {
	x.switching.Lock()
	defer x.switching.Unlock()
	choice := x.choice()
	if choice.Next == nil || x.models.indexing() != x.models.now() {
		return nil
	}
	next, err := x.load(ctx, choice.Next.Model)
	if err != nil {
		return x.giveUp(ctx, fmt.Errorf("the next model cannot be opened: %w", err))
	}
	return x.models.expect(next)
}

// advance looks whether all is encoded for the next model, and then lets
// searches use it.
func (x *parts) advance(ctx context.Context) {
	x.switching.Lock()
	defer x.switching.Unlock()
	next := x.choice().Next
	if next == nil {
		return
	}
	ready, err := x.encoded(ctx, next)
	if err == nil && ready {
		err = x.complete(ctx, *next)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	x.program.log.Error("the next model is not used", "model", next.Model, "error", err)
	if err := x.giveUp(ctx, err); err != nil {
		x.program.log.Error("the next model cannot be given up", "error", err)
	}
}

// encoded tells whether all tasks have succeeded; the error is that of one that
// did not.
func (x *parts) encoded(ctx context.Context, next *nextModel) (bool, error) {
	for _, id := range next.Tasks {
		task, err := x.tasks.Get(ctx, id)
		switch {
		case err != nil:
			return false, err
		case !task.State.Finished():
			return false, nil
		case task.State != catalog.TaskSucceeded:
			return false, fmt.Errorf("the job that encoded collection %q is %s: %s", task.Collection, task.State, task.Error)
		}
	}
	return true, nil
}

// complete compares the new index with the old one and lets searches use it.
func (x *parts) complete(ctx context.Context, next nextModel) error {
	views := x.models.indexing()
	behind, err := x.behind(ctx, views)
	if err != nil {
		return err
	}
	if len(behind) > 0 {
		move, err := x.move(ctx, behind[0], views)
		return errors.Join(err, fmt.Errorf("of the %d pictures of collection %q at least %d could not be encoded: index its folders, then try again",
			behind[0].Images, behind[0].Name, move.missing))
	}
	if err := x.compare(ctx, views, next.Force); err != nil {
		return err
	}
	return x.flip(ctx, views, x.choice().to(next.usedModel))
}

// flip lets searches use a loaded model, for all collections at one moment.
func (x *parts) flip(ctx context.Context, to *views, choice modelChoice) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // half of it is of no use
	defer cancel()
	moves, err := x.moves(ctx, to)
	if err == nil {
		err = checkIndexed(moves, choice.Model)
	}
	if err != nil {
		return err
	}
	if err := x.exchange(ctx, to, choice, moves); err != nil {
		return err
	}
	for _, move := range moves {
		x.dropOldIndexes(ctx, move)
	}
	x.tellLeft(ctx)
	return nil
}

// exchange carries out all moves, or none.
func (x *parts) exchange(ctx context.Context, to *views, choice modelChoice, moves []move) error {
	before := x.choice()
	x.searching.Lock()
	defer x.searching.Unlock()
	// The choice first: a process that ends hereafter is set right by align.
	if err := x.choose(choice); err != nil {
		return err
	}
	for i, move := range moves {
		if err := x.carryOut(ctx, move); err != nil {
			return errors.Join(err, x.takeBack(ctx, moves[:i+1]), x.choose(before))
		}
	}
	if err := x.models.replace(to); err != nil {
		x.program.log.Error("the model before cannot be closed", "error", err)
	}
	x.program.log.Info("searches use another model from now on", "model", choice.Model, "fingerprint", to.model.Fingerprint())
	x.markRuns(ctx, before.Run, choice.Run)
	return nil
}

func (x *parts) takeBack(ctx context.Context, moves []move) error {
	var err error
	for _, m := range moves {
		old := m.collection
		err = errors.Join(err, x.activate(ctx, old.Name, old.Fingerprint),
			x.store.SetFingerprint(ctx, old.Name, old.Fingerprint, old.SearchedMaxPatches))
	}
	return err
}

// rollBack lets the data folder use the model before again, without encoding
// anything, or gives up the one that is being prepared. What was indexed since
// is encoded afterwards.
func (x *parts) rollBack(ctx context.Context) error {
	x.switching.Lock()
	defer x.switching.Unlock()
	if err := x.checkChoosable(); err != nil {
		return err
	}
	choice := x.choice()
	if choice.Next != nil {
		return x.giveUp(ctx, errors.New("rolled back before it was used"))
	}
	back, ok := x.program.backFrom(choice)
	if !ok {
		return fmt.Errorf("%w: no other model was used before", catalog.ErrConflict)
	}
	before, err := x.load(ctx, back.Model)
	if err != nil {
		return err
	}
	if err := x.flip(ctx, before, back); err != nil {
		return errors.Join(err, before.retire())
	}
	return x.catchUp(ctx)
}

// catchUp indexes collections that the model in use has not seen all of.
func (x *parts) catchUp(ctx context.Context) error {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return err
	}
	var behind []catalog.Collection
	for _, collection := range collections {
		move, err := x.move(ctx, collection, x.models.now())
		if err != nil {
			return err
		}
		if collection.Fingerprint != "" && move.missing > 0 {
			behind = append(behind, collection)
		}
	}
	if _, err := x.encodeAnew(ctx, behind); err != nil {
		x.program.log.Warn("what was indexed since is not found before it is indexed again", "error", err)
	}
	return nil
}

// giveUp forgets the next model, and says why where its run is shown.
func (x *parts) giveUp(ctx context.Context, why error) error {
	next := x.choice().Next
	if run, err := x.store.Run(ctx, next.Run); err == nil {
		reason := "its model is not used: " + why.Error()
		if err := x.store.MoveRun(ctx, run.ID, run.State, run.State, reason); err != nil {
			x.program.log.Warn("why the model is not used cannot be kept", "run", run.Name, "error", err)
		}
	}
	x.outcome = why
	return x.abandon(ctx)
}

// abandon lets indexing use the model of searches again.
func (x *parts) abandon(ctx context.Context) error {
	choice := x.choice()
	if choice.Next != nil {
		for _, id := range choice.Next.Tasks {
			if err := x.tasks.Cancel(ctx, id); err != nil && !errors.Is(err, catalog.ErrConflict) {
				x.program.log.Warn("a job cannot be canceled", "job", id, "error", err)
			}
		}
	}
	choice.Next = nil
	return errors.Join(x.choose(choice), x.models.expect(nil))
}

// markRuns shows in the catalogue whose model searches use.
func (x *parts) markRuns(ctx context.Context, before, now string) {
	x.outcome = nil
	for _, change := range []struct {
		id   string
		to   catalog.RunState
		from []catalog.RunState
	}{
		{before, catalog.RunRolledBack, []catalog.RunState{catalog.RunActivated}},
		{now, catalog.RunActivated, []catalog.RunState{catalog.RunFinished, catalog.RunRolledBack}},
	} {
		run, err := x.store.Run(ctx, change.id)
		if err != nil || !slices.Contains(change.from, run.State) {
			continue // of no run, or of one that is deleted
		}
		if err := x.store.MoveRun(ctx, run.ID, run.State, change.to, ""); err != nil {
			x.program.log.Warn("a run cannot be marked", "run", run.Name, "state", change.to, "error", err)
		}
	}
}
