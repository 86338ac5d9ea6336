package rollout

import (
	"context"
	"slices"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
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

// isPushed reports whether clients have sent pictures to a collection.
func (r *Rollout) isPushed(ctx context.Context, collection catalog.Collection) (bool, error) {
	names, err := r.Catalog.Sources(ctx, collection.ID)
	return slices.Contains(names, catalog.PushedSource), err
}

// encodePushed encodes the pictures that clients have sent to a collection, if any.
func (r *Rollout) encodePushed(ctx context.Context, job *jobs.Running, model string, collection catalog.Collection) error {
	pushed, err := r.isPushed(ctx, collection)
	if err != nil || !pushed {
		return err
	}
	return r.Indexer.EncodePushed(ctx, collection.Name, func(p indexer.Progress) {
		_ = job.Report(ctx, Progress{indexer.Report{Progress: p}, model, collection.Name}) // ctx ends when the job is lost
	})
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
