package rollout

import (
	"context"

	"polylens/indexer/catalog"
)

// checkOriginals is catalog.ErrConflict when pictures of a collection cannot be encoded with
// a model since their originals were discarded: they would be found no more.
func (r *Rollout) checkOriginals(ctx context.Context, collection catalog.Collection, next *views, model string) error {
	view, err := next.of(collection.MaxPatches)
	if err != nil {
		return err
	}
	lost, err := r.Catalog.WithoutOriginal(ctx, collection.ID, view.PictureFingerprint())
	if err != nil || lost == 0 {
		return err
	}
	return catalog.Conflict("%d of the %d pictures of collection %q cannot be encoded with the model %s, because their originals are not kept, "+
		"and would not be found any more: have it keep originals (`polylens collection originals %s kept`) and send these pictures again, or delete the collection",
		lost, collection.Images, collection.Name, model, collection.Name)
}

// checkAllOriginals is checkOriginals for all collections that the model in use searches.
func (r *Rollout) checkAllOriginals(ctx context.Context, next *views, model string) error {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if !r.Searches(collection) {
			continue
		}
		if err := r.checkOriginals(ctx, collection, next, model); err != nil {
			return err
		}
	}
	return nil
}
