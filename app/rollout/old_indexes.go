package rollout

import (
	"context"
	"time"

	"polylens/indexer/catalog"
)

// dropLimit is how long it may take to drop the old indexes of a collection.
const dropLimit = 10 * time.Second

// dropOldIndexes drops the indexes of a collection that neither searches nor a rollback
// use any more: Milvus keeps each of them in memory. Vectors stay in the
// catalogue. What cannot be dropped now is dropped at the next change of models.
func (r *Rollout) dropOldIndexes(ctx context.Context, done move) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropLimit)
	defer cancel()
	collection := done.collection
	fingerprints, err := r.Catalog.Fingerprints(ctx, collection.ID)
	for _, fingerprint := range fingerprints {
		if r.models.knows(fingerprint) || fingerprint == done.fingerprint || fingerprint == collection.Fingerprint {
			continue
		}
		if err = r.Indexer.DropIndex(ctx, collection.ID, fingerprint); err != nil {
			break
		}
		r.Log.Info("dropped the index of an earlier model", "collection", collection.Name, "fingerprint", fingerprint)
	}
	if err != nil {
		r.Log.Warn("an index of an earlier model stays in memory", "collection", collection.Name, "error", err)
	}
}

// tellLeft logs the collections that the model in use does not search.
func (r *Rollout) tellLeft(ctx context.Context) {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil { // the model has changed all the same
		r.Log.Warn("it is not known which collections stay with another model", "error", err)
	}
	for _, collection := range collections {
		if collection.Images > 0 && !r.Searches(collection) {
			r.Log.Warn("a collection stays with the model that it was indexed with: index it again to search it with this one", "collection", collection.Name)
		}
	}
}

// checkIndexed refuses moves to an index that later changes of models have dropped.
// A collection that the model has never seen is not among the moves.
func checkIndexed(moves []move, model string) error {
	for _, move := range moves {
		if !move.indexed {
			return catalog.Conflict("collection %q no longer has an index for the model before: `polylens model use %s` makes it again", move.collection.Name, model)
		}
	}
	return nil
}
