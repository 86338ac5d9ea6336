package indexer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
	"polylens/search"
)

// removeGone removes the images of the source that the walk has not met.
func (r *run) removeGone(ctx context.Context) error {
	var gone []string
	err := r.store.SourceImages(ctx, r.collection, r.source.Name(), func(id, uri string) error {
		if r.met.isGone(id, uri) {
			gone = append(gone, id)
		}
		return nil
	})
	if err != nil {
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
	images, err := ix.store.Images(ctx, collection, ids)
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
	_, err = ix.mirror(search.Key{Collection: collection, Fingerprint: known.Fingerprint}).clearTombstones(ctx)
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
	if _, err := ix.store.Collection(ctx, collection); err != nil {
		return err
	}
	fingerprints, err := ix.store.Fingerprints(ctx, collection)
	if err != nil {
		return err
	}
	for _, fingerprint := range fingerprints {
		if err := ix.DropIndex(ctx, collection, fingerprint); err != nil {
			return err
		}
	}
	return ix.store.DeleteCollection(ctx, collection)
}

// DropIndex removes the index of a model and keeps the vectors: a collection is
// indexed again for the model without encoding. The caller sees to it that no
// run fills that index meanwhile.
//
// The watermarks are forgotten first: should this process end in between, the
// images count as not indexed, which is the safe side.
func (ix *Indexer) DropIndex(ctx context.Context, collection, fingerprint string) error {
	if err := ix.store.ForgetIndexed(ctx, collection, fingerprint); err != nil {
		return err
	}
	m := ix.mirror(search.Key{Collection: collection, Fingerprint: fingerprint})
	return m.patience.try(ctx, "drop the index", nil, func(ctx context.Context) error {
		return m.index.Drop(ctx, m.key)
	})
}

// CheckReport is what Check found, and repaired.
type CheckReport struct {
	Images   int `json:"images"`   // that the index has to hold
	Missing  int `json:"missing"`  // from the index
	Extra    int `json:"extra"`    // in the index only
	Repaired int `json:"repaired"` // rows sent or removed, also those an interrupted run left open
}

// Check compares the index that searches of a collection use with the
// catalogue and repairs every difference. It waits for a run on the collection
// to end.
func (ix *Indexer) Check(ctx context.Context, collection string) (CheckReport, error) {
	return ix.check(ctx, collection, false)
}

// Rebuild is Check that also sends every row again, for an index that was
// lost or whose rows are not trusted. Nothing is encoded.
func (ix *Indexer) Rebuild(ctx context.Context, collection string) (CheckReport, error) {
	return ix.check(ctx, collection, true)
}

func (ix *Indexer) check(ctx context.Context, collection string, all bool) (CheckReport, error) {
	unlock, err := ix.locks.lock(ctx, collection)
	if err != nil {
		return CheckReport{}, err
	}
	defer unlock()
	known, err := ix.store.Collection(ctx, collection)
	if err != nil {
		return CheckReport{}, err
	}
	if known.Fingerprint == "" {
		return CheckReport{}, nil // nothing was ever indexed
	}
	m := ix.mirror(search.Key{Collection: collection, Fingerprint: known.Fingerprint})
	if all {
		if err := ix.store.ForgetIndexed(ctx, collection, known.Fingerprint); err != nil {
			return CheckReport{}, err
		}
	}
	report, err := m.check(ctx)
	if err != nil {
		return report, fmt.Errorf("check %q: %w", collection, err)
	}
	return report, nil
}

// check is compare for an index that may have been lost. One that has nothing
// to hold need not be there.
func (m mirror) check(ctx context.Context) (CheckReport, error) {
	wanted, err := m.store.IndexableIDs(ctx, m.key.Collection, m.key.Fingerprint)
	if err != nil {
		return CheckReport{}, err
	}
	if len(wanted) > 0 {
		if err := m.ensureFor(ctx, wanted[0]); err != nil {
			return CheckReport{}, err
		}
	}
	report, err := m.compareWith(ctx, wanted)
	if len(wanted) == 0 && errors.Is(err, catalog.ErrCollectionNotFound) {
		return CheckReport{}, nil
	}
	return report, err
}

// ensureFor makes the index ready for vectors like that of an image: the model
// need not be loaded to say how long they are.
func (m mirror) ensureFor(ctx context.Context, id string) error {
	vector, err := m.store.Vector(ctx, m.key.Collection, id, m.key.Fingerprint)
	if err != nil {
		return err
	}
	return m.ensure(ctx, len(vector))
}

// compare repairs every difference between the index and the catalogue.
func (m mirror) compare(ctx context.Context) (CheckReport, error) {
	wanted, err := m.store.IndexableIDs(ctx, m.key.Collection, m.key.Fingerprint)
	if err != nil {
		return CheckReport{}, err
	}
	return m.compareWith(ctx, wanted)
}

// compareWith is compare with the IDs that the index has to hold.
func (m mirror) compareWith(ctx context.Context, wanted []string) (CheckReport, error) {
	held, err := m.ids(ctx)
	if err != nil {
		return CheckReport{}, err
	}
	var missing, extra []string
	for _, id := range wanted {
		if !held[id] {
			missing = append(missing, id)
		}
		delete(held, id)
	}
	for id := range held {
		extra = append(extra, id)
	}
	report := CheckReport{Images: len(wanted), Missing: len(missing), Extra: len(extra)}
	if err := m.store.ForgetIndexedImages(ctx, m.key.Fingerprint, missing); err != nil {
		return report, err
	}
	if err := m.deleteExtra(ctx, extra); err != nil {
		return report, err
	}
	repaired, err := m.repair(ctx)
	report.Repaired = len(extra) + repaired
	return report, err
}

// deleteExtra removes rows that no image stands behind. What another process
// has added since the comparison is made pending, so that it is sent again.
func (m mirror) deleteExtra(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, mirrorPage) {
		if err := m.delete(ctx, chunk); err != nil {
			return err
		}
		if err := m.store.ForgetIndexedImages(ctx, m.key.Fingerprint, chunk); err != nil {
			return err
		}
	}
	return nil
}
