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
func (ix *Indexer) CreateCollection(ctx context.Context, name string, maxPatches int, originals catalog.Originals) (catalog.Collection, error) {
	if err := ix.CheckMaxPatches(maxPatches); err != nil {
		return catalog.Collection{}, err
	}
	return ix.store.CreateCollectionWith(ctx, name, maxPatches, originals)
}

// openCollection finds or creates the collection, keeps what was chosen for it,
// and makes its index ready for the vectors of the model as the collection
// wants it. The first model of a collection is the one that searches use.
func (d *destination) openCollection(ctx context.Context) error {
	collection, err := d.chosenCollection(ctx)
	if err != nil {
		return err
	}
	d.collection, d.originals = collection.ID, collection.Originals
	if err := d.chooseMetadata(ctx, collection); err != nil {
		return err
	}
	if d.encoder, err = d.encoderFor(collection); err != nil {
		return err
	}
	d.fingerprint = d.encoder.Fingerprint()
	if d.discards, err = d.discardsNow(collection); err != nil {
		return err
	}
	err = d.mirror().ensure(ctx, d.encoder.Dimension())
	if err != nil || collection.Fingerprint != "" {
		return err
	}
	return d.store.SetFingerprint(ctx, d.collection, d.fingerprint, collection.MaxPatches)
}

// chooseMetadata keeps what was chosen anew, or takes what was chosen before.
func (d *destination) chooseMetadata(ctx context.Context, collection catalog.Collection) error {
	if d.metadata == "" || d.metadata == collection.Metadata {
		d.metadata = collection.Metadata
		return nil
	}
	return d.store.SetMetadata(ctx, d.collection, d.metadata)
}

// chosenCollection is the collection with what was chosen anew.
func (d *destination) chosenCollection(ctx context.Context) (catalog.Collection, error) {
	if err := d.CheckMaxPatches(d.maxPatches); err != nil {
		return catalog.Collection{}, err
	}
	collection, err := d.store.UncountedCollection(ctx, d.name)
	if errors.Is(err, catalog.ErrNotFound) {
		collection, err = d.store.CreateCollection(ctx, d.name, d.maxPatches)
		if !errors.Is(err, catalog.ErrConflict) {
			return collection, err
		}
		collection, err = d.store.UncountedCollection(ctx, d.name) // somebody else has created it just now
	}
	if err != nil || d.maxPatches == 0 || d.maxPatches == collection.MaxPatches {
		return collection, err
	}
	collection.MaxPatches = d.maxPatches
	return collection, d.store.SetMaxPatches(ctx, collection.ID, d.maxPatches)
}
