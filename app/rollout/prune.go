package rollout

import (
	"context"

	"polylens/indexer/catalog"
)

// Purger removes what nothing uses from the catalogue; *database.Store is one.
type Purger interface {
	PurgeVectors(ctx context.Context) (catalog.Purged, error)
	Compact(ctx context.Context) error
}

// Prune removes the vectors that neither the model in use nor the one before
// needs, in a data folder that this process holds. It also forgets the models before
// that: without vectors they would look as if they had never seen any collection.
func Prune(ctx context.Context, store Purger, choice Choice, data string) (catalog.Purged, error) {
	if earlier := len(choice.Before) - 1; earlier > 0 {
		choice.Before = choice.Before[earlier:]
		if err := choice.Write(data); err != nil {
			return catalog.Purged{}, err
		}
	}
	purged, err := store.PurgeVectors(ctx)
	if err != nil {
		return purged, err
	}
	return purged, store.Compact(ctx)
}
