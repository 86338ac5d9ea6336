package indexer

import (
	"context"
	"slices"

	"polylens/indexer/catalog"
)

// removeGone removes the images of the source that the walk has not met, unless they
// are suspiciously many.
func (r *run) removeGone(ctx context.Context) error {
	r.checkConfirmation(ctx)
	found, err := r.findGone(ctx)
	if err != nil {
		return err
	}
	if err := r.mayRemove(ctx, found); err != nil {
		return err
	}
	if err := r.store.DeleteImages(ctx, found.gone); err != nil {
		return err
	}
	if _, err := r.mirror().clearTombstones(ctx); err != nil {
		return err
	}
	r.progress.update(func(p *Progress) { p.Removed += len(found.gone) })
	if err := r.keepGates(ctx); err != nil {
		return err
	}
	return r.store.PruneFailures(ctx, r.collection, r.source.Name(), func(uri string) bool { return r.met.stillFails(uri) })
}

// findGone compares what the catalogue has of the source with what the walk has met.
func (r *run) findGone(ctx context.Context) (absence, error) {
	turned := r.turned()
	found := absence{behind: make(map[string]int)}
	err := r.store.SourceImages(ctx, r.collection, r.source.Name(), func(id, uri string) error {
		found.known++
		place := nearest(turned, uri)
		found.behind[place]++
		if r.met.isReplaced(id) {
			barred := nearest(r.barred, uri)
			found.replaced = append(found.replaced, vanished{id, r.barred[barred], barred})
			return nil
		}
		if !r.met.isGone(id, uri) {
			return nil
		}
		found.gone = append(found.gone, id)
		if !r.met.isThere(id, uri) {
			found.vanished = append(found.vanished, r.explain(id, uri, place, turned[place]))
		}
		return nil
	})
	return found, err
}

// explain says why a picture may have vanished. place is the nearest gate above it that
// has turned, and why what has become of that.
func (r *run) explain(id, uri, place string, why whyGone) vanished {
	if why == whyUnmounted {
		return vanished{id, why, place}
	}
	if folder := r.met.emptied(uri); folder != "" {
		return vanished{id, whyEmptied, folder}
	}
	if r.unkept != "" && uri > r.unkept {
		return vanished{id, whyUnkept, above(uri)}
	}
	return vanished{id, why, place}
}

// mayRemove returns ErrRemovalWithheld if too many pictures have vanished. Those that
// were moved within the source have not.
func (r *run) mayRemove(ctx context.Context, found absence) error {
	place := folderOf(r.source.Name())
	if r.removal.check(place, found) == nil {
		return nil
	}
	moved, err := r.moved(ctx, found)
	if err != nil {
		return err
	}
	found.vanished = slices.DeleteFunc(found.vanished, func(one vanished) bool { return moved[one.id] })
	if err := r.removal.check(place, found); err != nil {
		r.progress.update(func(p *Progress) { p.Withheld = len(found.vanished) + len(found.replaced) })
		return err
	}
	return nil
}

// moved are the vanished images whose content another image of the source has, which is
// there.
func (r *run) moved(ctx context.Context, found absence) (map[string]bool, error) {
	ids := make([]string, len(found.vanished))
	for i, one := range found.vanished {
		ids[i] = one.id
	}
	away, err := r.store.States(ctx, r.fingerprint, ids)
	if err != nil {
		return nil, err
	}
	here, err := r.contentsHere(ctx)
	moved := make(map[string]bool)
	for id, state := range away {
		moved[id] = here[state.SHA256]
	}
	return moved, err
}

// contentsHere are those of the images that the walk has met.
func (r *run) contentsHere(ctx context.Context) (map[string]bool, error) {
	here := make(map[string]bool)
	var page []string
	flush := func() error {
		states, err := r.store.States(ctx, r.fingerprint, page)
		for _, state := range states {
			here[state.SHA256] = true
		}
		page = page[:0]
		return err
	}
	err := r.store.SourceImages(ctx, r.collection, r.source.Name(), func(id, uri string) error {
		if r.met.isGone(id, uri) {
			return nil
		}
		if page = append(page, id); len(page) < scanChunk {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return here, err
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
	defer ix.ending.begin(known.ID)()
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
