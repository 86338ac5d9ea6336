package rollout

import (
	"context"
	"errors"

	"polylens/indexer/catalog"
)

// Align points the searches of every collection at the index of the model that
// the catalogue names, or of the loaded one where that index is complete, and marks
// the run of the model. It finishes what a process that ended during a change of
// models left undone.
func (r *Rollout) Align(ctx context.Context) error {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if collection.Fingerprint == "" || collection.Images == 0 {
			continue
		}
		err := r.activate(ctx, collection.ID, collection.Fingerprint)
		if err != nil && !errors.Is(err, catalog.ErrCollectionNotFound) { // a lost index: the next run fills it again
			return err
		}
		if r.Searches(collection) {
			continue
		}
		if move, err := r.move(ctx, collection, r.models.now()); err != nil || move.missing > 0 {
			continue // it stays with the other model
		} else if err := r.carryOut(ctx, move); err != nil {
			return err
		}
	}
	r.alignRuns(ctx)
	return nil
}

// alignRuns marks the run of the model in use, and the one before it, where the
// process ended between the choice and the marks.
func (r *Rollout) alignRuns(ctx context.Context) {
	r.switching.Lock()
	defer r.switching.Unlock()
	choice, before := r.Choice(), ""
	if r.Named != "" {
		return
	}
	if last := len(choice.Before) - 1; last >= 0 {
		before = choice.Before[last].Run
	}
	r.markRuns(ctx, before, choice.Run)
}

// Adopt makes the searches of a collection use the loaded model, with the number of
// patches that the collection chose, once all of its images have such vectors. Until
// then searches keep the old ones. It waits for a change of models to end, so that
// it never adopts the model before; while a model is being prepared it does nothing.
func (r *Rollout) Adopt(ctx context.Context, name string) error {
	r.switching.Lock()
	defer r.switching.Unlock()
	if err := r.forgetCanceled(ctx); err != nil || r.Choice().State() == Preparing {
		return err
	}
	return r.adopt(ctx, name)
}

func (r *Rollout) adopt(ctx context.Context, name string) error {
	collection, err := r.Catalog.Collection(ctx, name)
	if err != nil {
		return err
	}
	move, err := r.move(ctx, collection, r.models.now())
	if err != nil || collection.Fingerprint == move.fingerprint {
		return err
	}
	if move.missing > 0 {
		r.Log.Warn("searches keep the vectors they had: index the other folders of the collection anew, too",
			"collection", name, "images", collection.Images, "encoded anew", collection.Images-move.missing)
		return nil
	}
	r.searching.Lock()
	defer r.searching.Unlock()
	return r.carryOut(ctx, move)
}
