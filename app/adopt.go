package main

import (
	"context"
	"errors"
	"slices"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search"
)

// align points the searches of every collection at the index of the model that
// the catalogue names, or of the loaded one where that is complete. It finishes
// what a process that ended while it changed models has left.
func (x *parts) align(ctx context.Context) error {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if collection.Fingerprint == "" || collection.Images == 0 {
			continue
		}
		err := x.activate(ctx, collection.Name, collection.Fingerprint)
		if err != nil && !errors.Is(err, catalog.ErrCollectionNotFound) { // a lost index: the next run fills it again
			return err
		}
		if x.models.now().searches(collection) {
			continue
		}
		if move, err := x.move(ctx, collection, x.models.now()); err != nil || move.missing > 0 {
			continue // it stays with the other model
		} else if err := x.carryOut(ctx, move); err != nil {
			return err
		}
	}
	return nil
}

// adopt makes the searches of a collection use the loaded model, as the
// collection chose to be seen by it, once it has seen all of its images. Until
// then the other model, or choice, goes on. It waits for a change of models, so
// that what it does is not of the model before.
func (x *parts) adopt(ctx context.Context, name string) error {
	x.switching.Lock()
	defer x.switching.Unlock()
	collection, err := x.store.Collection(ctx, name)
	if err != nil {
		return err
	}
	move, err := x.move(ctx, collection, x.models.now())
	if err != nil || collection.Fingerprint == move.fingerprint {
		return err
	}
	if move.missing > 0 {
		x.program.log.Warn("searches keep the vectors they had: index the other folders of the collection anew, too",
			"collection", name, "images", collection.Images, "encoded anew", collection.Images-move.missing)
		return nil
	}
	x.searching.Lock()
	defer x.searching.Unlock()
	return x.carryOut(ctx, move)
}

// move is what it takes to let the searches of a collection use a model.
type move struct {
	collection  catalog.Collection
	fingerprint string // of the pictures, by the model as the collection wants it
	missing     int    // images that its index lacks, or fewer
	// indexed tells, of moves, whether there is an index of these vectors. Without
	// one there may be the vectors of pictures that other collections have, too.
	indexed bool
}

func (x *parts) move(ctx context.Context, collection catalog.Collection, to *views) (move, error) {
	view, err := to.of(collection.MaxPatches)
	if err != nil {
		return move{}, err
	}
	m := move{collection: collection, fingerprint: view.PictureFingerprint()}
	seen, err := x.store.IndexableIDs(ctx, collection.Name, m.fingerprint)
	if err != nil {
		return m, err
	}
	waiting, err := x.store.Pending(ctx, collection.Name, m.fingerprint, "", 1) // one is enough
	m.missing = max(0, collection.Images-len(seen)) + len(waiting)
	return m, err
}

// moves are what is to be done for the collections that a model has seen, all
// of them or so much that they are better searched with than without it.
func (x *parts) moves(ctx context.Context, to *views) ([]move, error) {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return nil, err
	}
	var moves []move
	for _, collection := range collections {
		move, err := x.move(ctx, collection, to)
		if err != nil {
			return nil, err
		}
		if to.searches(collection) || move.missing == collection.Images {
			continue
		}
		fingerprints, err := x.store.Fingerprints(ctx, collection.Name)
		if err != nil {
			return nil, err
		}
		move.indexed = slices.Contains(fingerprints, move.fingerprint)
		if move.indexed || x.models.now().searches(collection) { // what yet another model searches stays with it
			moves = append(moves, move)
		}
	}
	return moves, nil
}

// carryOut changes first the index, then the catalogue: should this process end
// in between, align sets it right.
func (x *parts) carryOut(ctx context.Context, m move) error {
	if err := x.activate(ctx, m.collection.Name, m.fingerprint); err != nil {
		return err
	}
	x.program.log.Info("searches use the new vectors from now on", "collection", m.collection.Name, "fingerprint", m.fingerprint,
		"max_num_patches", m.collection.MaxPatches)
	return x.store.SetFingerprint(ctx, m.collection.Name, m.fingerprint, m.collection.MaxPatches)
}

func (x *parts) activate(ctx context.Context, name, fingerprint string) error {
	return x.index.Activate(ctx, search.Key{Collection: name, Fingerprint: fingerprint})
}

// adoptAll adopts the loaded model, or the next one, wherever index tasks have
// ended, until ctx ends.
func (x *parts) adoptAll(ctx context.Context) {
	for ctx.Err() == nil {
		subscription := x.tasks.Subscribe()
		x.advance(ctx) // what ended before the subscription
		x.adoptEach(ctx, subscription)
		subscription.Close()
	}
}

func (x *parts) adoptEach(ctx context.Context, subscription *indexer.Subscription) {
	for {
		select {
		case <-ctx.Done():
			return
		case task, open := <-subscription.C:
			if !open {
				return
			}
			if task.Kind == indexer.TaskIndex && task.State.Finished() {
				x.afterTask(ctx, task)
			}
		}
	}
}

func (x *parts) afterTask(ctx context.Context, task catalog.Task) {
	if x.choice().Next != nil {
		x.advance(ctx)
		return
	}
	if task.State != catalog.TaskSucceeded {
		return
	}
	if err := x.adopt(ctx, task.Collection); err != nil && ctx.Err() == nil {
		x.program.log.Error("cannot adopt the new model", "collection", task.Collection, "error", err)
	}
}
