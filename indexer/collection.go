package indexer

import (
	"context"
	"errors"
	"fmt"

	"polylens/indexer/catalog"
)

// CheckMaxPatches returns an error wrapping catalog.ErrInvalid when a
// collection cannot have its pictures cut into at most maxPatches patches,
// or nil. 0 leaves the number to the model and is always allowed.
func (ix *Indexer) CheckMaxPatches(maxPatches int) error {
	if err := catalog.ValidateMaxPatches(maxPatches); err != nil || maxPatches == 0 {
		return err
	}
	if ix.encoder.MaxPatches() == 0 {
		return fmt.Errorf("max_num_patches %d is %w: the loaded model sees every picture at one resolution; leave it out, or load a NaFlex model",
			maxPatches, catalog.ErrInvalid)
	}
	return nil
}

// CreateCollection adds an empty collection. catalog.ErrInvalid for a bad name or
// a number of patches that the model cannot have, catalog.ErrConflict when it
// exists.
func (ix *Indexer) CreateCollection(ctx context.Context, name string, maxPatches int) (catalog.Collection, error) {
	if err := ix.CheckMaxPatches(maxPatches); err != nil {
		return catalog.Collection{}, err
	}
	return ix.store.CreateCollection(ctx, name, maxPatches)
}

// openCollection finds or creates the collection, keeps what was chosen for it,
// and makes its index ready for the vectors of the model as the collection
// wants it. The first model of a collection is the one that searches use.
func (r *run) openCollection(ctx context.Context) error {
	collection, err := r.chosenCollection(ctx)
	if err != nil {
		return err
	}
	r.collection = collection.ID
	if err := r.chooseMetadata(ctx, collection); err != nil {
		return err
	}
	if r.encoder, err = r.Indexer.encoder.For(collection.MaxPatches); err != nil {
		return fmt.Errorf("model for at most %d patches: %w", collection.MaxPatches, err)
	}
	r.fingerprint = r.encoder.Fingerprint()
	err = r.mirror().ensure(ctx, r.encoder.Dimension())
	if err != nil || collection.Fingerprint != "" {
		return err
	}
	return r.store.SetFingerprint(ctx, r.collection, r.fingerprint, collection.MaxPatches)
}

// chooseMetadata keeps what was chosen anew, or takes what was chosen before.
func (r *run) chooseMetadata(ctx context.Context, collection catalog.Collection) error {
	if r.metadata == "" || r.metadata == collection.Metadata {
		r.metadata = collection.Metadata
		return nil
	}
	return r.store.SetMetadata(ctx, r.collection, r.metadata)
}

// chosenCollection is the collection with what was chosen anew.
func (r *run) chosenCollection(ctx context.Context) (catalog.Collection, error) {
	if err := r.CheckMaxPatches(r.maxPatches); err != nil {
		return catalog.Collection{}, err
	}
	collection, err := r.store.Collection(ctx, r.name)
	if errors.Is(err, catalog.ErrNotFound) {
		return r.store.CreateCollection(ctx, r.name, r.maxPatches)
	}
	if err != nil || r.maxPatches == 0 || r.maxPatches == collection.MaxPatches {
		return collection, err
	}
	collection.MaxPatches = r.maxPatches
	return collection, r.store.SetMaxPatches(ctx, collection.ID, r.maxPatches)
}
