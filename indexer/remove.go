package indexer

import (
	"context"

	"polylens/indexer/catalog"
)

// removeGone removes the images of the source that the walk has not met, unless they
// are suspiciously many.
func (r *run) removeGone(ctx context.Context) error {
	var gone []string
	known, vanished := 0, 0
	err := r.store.SourceImages(ctx, r.collection, r.source.Name(), func(id, uri string) error {
		known++
		if !r.met.isGone(id, uri) {
			return nil
		}
		gone = append(gone, id)
		if !r.met.isThere(id, uri) {
			vanished++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.removal.check(placeOf(r.source), vanished, known); err != nil {
		r.progress.update(func(p *Progress) { p.Withheld = vanished })
		return err
	}
	if err := r.store.DeleteImages(ctx, gone); err != nil {
		return err
	}
	if _, err := r.mirror().clearTombstones(ctx); err != nil {
		return err
	}
	r.progress.update(func(p *Progress) { p.Removed += len(gone) })
	return r.store.PruneFailures(ctx, r.collection, r.source.Name(), func(uri string) bool { return r.met.stillFails(uri) })
}

// DeleteImages removes images from the catalogue and from the index that
// searches of the collection use; other indexes forget them when their model
// is next used. A picture that still lies in its source returns with the next
// run over it.
func (ix *Indexer) DeleteImages(ctx context.Context, collection string, ids []string) error {
	known, err := ix.store.Collection(ctx, collection)
	if err != nil {
		return err
	}
	images, err := ix.store.Images(ctx, known.ID, ids)
	if err != nil {
		return err
	}
	own := make([]string, 0, len(images))
	for id := range images {
		own = append(own, id)
	}
	if err := ix.store.DeleteImages(ctx, own); err != nil {
		return err
	}
	_, err = ix.mirror(known.ID, known.Fingerprint).clearTombstones(ctx)
	return err
}

// DeleteCollection removes a collection from every index and then from the
// catalogue; the pictures themselves stay where they lie. It waits for a run
// on the collection to end.
func (ix *Indexer) DeleteCollection(ctx context.Context, collection string) error {
	unlock, err := ix.locks.lock(ctx, collection)
	if err != nil {
		return err
	}
	defer unlock()
	known, err := ix.store.UncountedCollection(ctx, collection)
	if err != nil {
		return err
	}
	fingerprints, err := ix.store.Fingerprints(ctx, known.ID)
	if err != nil {
		return err
	}
	for _, fingerprint := range fingerprints {
		if err := ix.DropIndex(ctx, known.ID, fingerprint); err != nil {
			return err
		}
	}
	return ix.store.DeleteCollection(ctx, known.ID)
}

// DropIndex removes the index of a model and keeps the vectors: a collection is
// indexed again for the model without encoding. The caller sees to it that no
// run fills that index meanwhile.
//
// The watermarks are forgotten first: should this process end in between, the
// images count as not indexed, which is the safe side.
func (ix *Indexer) DropIndex(ctx context.Context, collection catalog.CollectionID, fingerprint string) error {
	if err := ix.store.ForgetIndexed(ctx, collection, fingerprint); err != nil {
		return err
	}
	m := ix.mirror(collection, fingerprint)
	return m.patience.try(ctx, "drop the index", nil, func(ctx context.Context) error {
		return m.index.Drop(ctx, m.key)
	})
}
