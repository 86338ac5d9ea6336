package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// dropLimit is how long it may take to drop the old indexes of a collection.
const dropLimit = 10 * time.Second

// dropOldIndexes drops the indexes of a collection that neither searches nor a rollback
// use any more: Milvus keeps each of them in memory. Vectors stay in the
// catalogue. What cannot be dropped now is when the model changes again.
func (x *parts) dropOldIndexes(ctx context.Context, done move) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropLimit)
	defer cancel()
	name := done.collection.Name
	fingerprints, err := x.store.Fingerprints(ctx, name)
	for _, fingerprint := range fingerprints {
		_, loaded := x.models.dimension(fingerprint)
		if loaded || fingerprint == done.fingerprint || fingerprint == done.collection.Fingerprint {
			continue
		}
		if err = x.indexer.DropIndex(ctx, name, fingerprint); err != nil {
			break
		}
		x.program.log.Info("dropped the index of an earlier model", "collection", name, "fingerprint", fingerprint)
	}
	if err != nil {
		x.program.log.Warn("an index of an earlier model stays in memory", "collection", name, "error", err)
	}
}

// checkIndexed refuses a model that the data folder cannot simply go back to,
// because the index of a collection was dropped since.
func (x *parts) checkIndexed(ctx context.Context, before *views, name string) error {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		dropped, err := x.dropped(ctx, collection, before)
		if err != nil {
			return err
		}
		if dropped {
			return fmt.Errorf("%w: the index of collection %q for the model before was dropped when models changed again: `polylens model use %s` makes it anew",
				web.ErrConflict, collection.Name, name)
		}
	}
	return nil
}

// dropped tells whether a collection that can be searched now has nothing to be
// searched with by another model.
func (x *parts) dropped(ctx context.Context, collection catalog.Collection, before *views) (bool, error) {
	if collection.Images == 0 || !x.models.now().searches(collection) || before.searches(collection) {
		return false, nil
	}
	view, err := before.of(collection.MaxPatches)
	if err != nil {
		return false, err
	}
	fingerprints, err := x.store.Fingerprints(ctx, collection.Name)
	return !slices.Contains(fingerprints, view.PictureFingerprint()), err
}
