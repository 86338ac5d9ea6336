package main

import (
	"context"
	"errors"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search"
)

// align points the searches of every collection at the index of the model that
// the catalogue names. It finishes what a process that ended while it adopted
// a model has left.
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
		if err != nil && !errors.Is(err, search.ErrCollectionNotFound) { // a lost index: the next run fills it again
			return err
		}
	}
	return nil
}

// adopt makes the searches of a collection use the loaded model, as the
// collection chose to be seen by it, once it has seen all of its images. Until
// then the other model, or choice, goes on.
func (x *parts) adopt(ctx context.Context, name string) error {
	collection, err := x.store.Collection(ctx, name)
	if err != nil {
		return err
	}
	view, err := x.views.of(collection.MaxPatches)
	if err != nil || collection.Fingerprint == view.Fingerprint() {
		return err
	}
	seen, err := x.store.IndexableIDs(ctx, name, view.Fingerprint())
	if err != nil {
		return err
	}
	if len(seen) < collection.Images {
		x.program.log.Warn("searches keep the vectors they had: index the other folders of the collection anew, too",
			"collection", name, "images", collection.Images, "encoded anew", len(seen))
		return nil
	}
	// In this order: should this process end in between, align sets it right.
	if err := x.activate(ctx, name, view.Fingerprint()); err != nil {
		return err
	}
	x.program.log.Info("searches use the new vectors from now on", "collection", name, "fingerprint", view.Fingerprint(),
		"max_num_patches", view.MaxPatches())
	return x.store.SetFingerprint(ctx, name, view.Fingerprint(), collection.MaxPatches)
}

func (x *parts) activate(ctx context.Context, name, fingerprint string) error {
	key, err := indexerIndex{x.index, x.views, x.store}.key(ctx, name, fingerprint)
	if err != nil {
		return err
	}
	return x.index.Activate(ctx, key)
}

// adoptAll adopts the loaded model wherever an index task has succeeded, until
// ctx ends.
func (x *parts) adoptAll(ctx context.Context) {
	for ctx.Err() == nil {
		subscription := x.tasks.Subscribe()
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
			if task.Kind != indexer.TaskIndex || task.State != catalog.TaskSucceeded {
				continue
			}
			if err := x.adopt(ctx, task.Collection); err != nil && ctx.Err() == nil {
				x.program.log.Error("cannot adopt the new model", "collection", task.Collection, "error", err)
			}
		}
	}
}
