package late

import (
	"context"
	"errors"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
)

// Patiently repeats for up to a minute a call that finds the index unavailable: a
// server that has just started loads its collections first.
func Patiently(ctx context.Context, call func() error) error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := call()
		if !errors.Is(err, search.ErrUnavailable) || errors.Is(err, search.ErrLost) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// AwaitLoaded waits until a collection, with vectors of a dimension, can be
// searched.
func AwaitLoaded(ctx context.Context, index search.Index, collection catalog.CollectionID, dimension int) error {
	probe := search.Query{Vector: make([]float32, dimension), Limit: 1}
	probe.Vector[0] = 1
	return Patiently(ctx, func() error {
		_, err := index.Search(ctx, collection, probe)
		return err
	})
}
