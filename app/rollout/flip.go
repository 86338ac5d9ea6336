package rollout

import (
	"context"
	"errors"
	"slices"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
)

// flip lets searches use a loaded model, for all collections at one moment.
func (r *Rollout) flip(ctx context.Context, to *views, choice Choice) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // half a flip is of no use
	defer cancel()
	moves, err := r.moves(ctx, to)
	if err == nil {
		err = checkIndexed(moves, choice.Model)
	}
	if err != nil {
		return err
	}
	if err := r.exchange(ctx, to, choice, moves); err != nil {
		return err
	}
	for _, move := range moves {
		r.dropOldIndexes(ctx, move)
	}
	r.tellLeft(ctx)
	return nil
}

// flipAndCatchUp is flip, after which what clients have sent meanwhile is encoded.
func (r *Rollout) flipAndCatchUp(ctx context.Context, to *views, choice Choice) error {
	if err := r.flip(ctx, to, choice); err != nil {
		return err
	}
	if err := r.catchUp(ctx, func(c catalog.Collection) bool { return r.Searches(c) }); err != nil {
		r.Log.Warn("what was sent meanwhile is not found before polylens check --repair", "error", err)
	}
	return nil
}

// exchange carries out all moves, or none.
func (r *Rollout) exchange(ctx context.Context, to *views, choice Choice, moves []move) error {
	before := r.Choice()
	r.searching.Lock()
	defer r.searching.Unlock()
	// The choice first: a process that ends hereafter is set right by Align.
	if err := r.choose(choice); err != nil {
		return err
	}
	r.models.arrive(to)
	for i, move := range moves {
		if err := r.carryOut(ctx, move); err != nil {
			r.models.arrive(nil)
			return errors.Join(err, r.takeBack(ctx, moves[:i+1]), r.choose(before))
		}
	}
	if err := r.models.replace(to); err != nil {
		r.Log.Error("the model before cannot be closed", "error", err)
	}
	r.Log.Info("searches use another model from now on", "model", choice.Model, "fingerprint", to.model.Fingerprint())
	r.outcome = nil
	r.markRuns(ctx, before.Run, choice.Run)
	return nil
}

func (r *Rollout) takeBack(ctx context.Context, moves []move) error {
	var err error
	for _, m := range moves {
		old := m.collection
		err = errors.Join(err, r.activate(ctx, old.ID, old.Fingerprint),
			r.Catalog.SetFingerprint(ctx, old.ID, old.Fingerprint, old.SearchedMaxPatches))
	}
	return err
}

// markRuns shows in the catalogue whose model searches use.
func (r *Rollout) markRuns(ctx context.Context, before, now string) {
	for _, change := range []struct {
		id   string
		to   catalog.RunState
		from []catalog.RunState
	}{
		{before, catalog.RunRolledBack, []catalog.RunState{catalog.RunActivated}},
		{now, catalog.RunActivated, []catalog.RunState{catalog.RunFinished, catalog.RunRolledBack}},
	} {
		run, err := r.Catalog.Run(ctx, change.id)
		if err != nil || !slices.Contains(change.from, run.State) {
			continue // it has no run, or a deleted one
		}
		if err := r.Catalog.MoveRun(ctx, run.ID, run.State, change.to, ""); err != nil {
			r.Log.Warn("a run cannot be marked", "run", run.Name, "state", change.to, "error", err)
		}
	}
}

// move is what it takes to make the searches of a collection use a model.
type move struct {
	collection  catalog.Collection
	fingerprint string // of the pictures, by the model as the collection wants it
	missing     int    // images that its index lacks, at least
	// indexed reports whether there is an index of these vectors; only moves sets it.
	// Without an index there may still be vectors, of pictures that other collections
	// have too.
	indexed bool
}

func (r *Rollout) move(ctx context.Context, collection catalog.Collection, to *views) (move, error) {
	view, err := to.of(collection.MaxPatches)
	if err != nil {
		return move{}, err
	}
	m := move{collection: collection, fingerprint: view.PictureFingerprint()}
	seen, err := r.Catalog.IndexableIDs(ctx, collection.ID, m.fingerprint)
	if err != nil {
		return m, err
	}
	waiting, err := r.Catalog.Pending(ctx, collection.ID, m.fingerprint, "", 1) // one is enough
	m.missing = max(0, collection.Images-len(seen)) + len(waiting)
	return m, err
}

// moves returns what is to be done for the collections that a model has seen, at
// least in part, and that have an index of it or are searched with the model in use.
func (r *Rollout) moves(ctx context.Context, to *views) ([]move, error) {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil {
		return nil, err
	}
	var moves []move
	for _, collection := range collections {
		move, err := r.move(ctx, collection, to)
		if err != nil {
			return nil, err
		}
		if to.searches(collection) || move.missing == collection.Images {
			continue
		}
		fingerprints, err := r.Catalog.Fingerprints(ctx, collection.ID)
		if err != nil {
			return nil, err
		}
		move.indexed = slices.Contains(fingerprints, move.fingerprint)
		if move.indexed || r.Searches(collection) { // what a third model searches stays with it
			moves = append(moves, move)
		}
	}
	return moves, nil
}

// carryOut changes first the index, then the catalogue: should this process end
// in between, Align sets it right.
func (r *Rollout) carryOut(ctx context.Context, m move) error {
	if err := r.activate(ctx, m.collection.ID, m.fingerprint); err != nil {
		return err
	}
	r.Log.Info("searches use the new vectors from now on", "collection", m.collection.Name, "fingerprint", m.fingerprint,
		"max_num_patches", m.collection.MaxPatches)
	return r.Catalog.SetFingerprint(ctx, m.collection.ID, m.fingerprint, m.collection.MaxPatches)
}

func (r *Rollout) activate(ctx context.Context, collection catalog.CollectionID, fingerprint string) error {
	return r.Index.Activate(ctx, search.Key{Collection: collection, Fingerprint: fingerprint})
}
