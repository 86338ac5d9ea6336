package indexer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// itemsOf encodes what has no vector yet, and makes documents ready to be saved.
func (p *pushing) itemsOf(ctx context.Context, ready []readied) ([]database.PushItem, error) {
	vectors, err := p.vectorsOf(ctx, ready)
	if err != nil {
		return nil, err
	}
	items := make([]database.PushItem, len(ready))
	for i, r := range ready {
		items[i] = itemOf(r, vectors[r.image.SHA256])
	}
	return items, nil
}

// save saves documents with the outcomes of their chunk, in one transaction, once the disk
// has their pictures. Items then say what became of them.
func (p *pushing) save(ctx context.Context, items []database.PushItem) error {
	brings := func(item database.PushItem) bool { return item.Original != "" }
	if p.chunk != nil && slices.ContainsFunc(items, brings) {
		if err := p.blobs.Sync(ctx); err != nil {
			return err
		}
	}
	push := database.Push{Chunk: p.chunk, Fingerprint: p.fingerprint, Explain: p.explain, Items: items, Discards: p.discards}
	if err := p.store.SavePush(ctx, p.collection, &push); err != nil {
		return err
	}
	for _, item := range items {
		if item.Err == nil {
			p.touch(item.ItemResult)
		}
	}
	return nil
}

// itemOf is what is saved of a document; vector is nil if it has no picture, or one for
// which the model gives none.
func itemOf(r readied, vector []float32) database.PushItem {
	item := database.PushItem{ItemResult: r.ItemResult, Err: r.err, Fetched: r.fetched, Original: r.content}
	switch {
	case r.err != nil || r.Outcome == catalog.OutcomeUnchanged:
	case r.Operation == catalog.OperationPatch:
		item.Changed = &r.image
	case r.Operation == catalog.OperationDelete:
		item.Deleted = r.image.ID
	case vector == nil:
		item.Err = fmt.Errorf("%w: %w", catalog.ErrPicture, errVector)
	default:
		item.Record = &catalog.Record{Image: r.image, Vector: vector, Warning: r.warning}
	}
	return item
}

// vectorsOf are the vectors of the pictures among documents.
func (p *pushing) vectorsOf(ctx context.Context, ready []readied) (map[string][]float32, error) {
	var batch []prepared
	for _, r := range ready {
		if r.err == nil && r.Operation == catalog.OperationUpsert && r.Outcome != catalog.OutcomeUnchanged {
			batch = append(batch, r.prepared)
		}
	}
	if len(batch) == 0 {
		return nil, nil
	}
	if err := p.options.Room(); err != nil {
		return nil, err
	}
	vectors, _, err := p.vectors(ctx, batch)
	return vectors, err
}

// touch notes that mirrorAll has to look at an item that was saved.
func (p *pushing) touch(item catalog.ItemResult) {
	if item.Outcome != catalog.OutcomeFailed && item.Outcome != catalog.OutcomeUnchanged {
		p.touched = append(p.touched, catalog.ImageID(p.collection, catalog.PushedURI(item.ID)))
	}
}

// mirrorAll brings what was saved into the index. ErrReplaced when searches use another
// model meanwhile: then it has to be done anew.
func (p *pushing) mirrorAll(ctx context.Context) error {
	m := p.mirror()
	for page := range slices.Chunk(p.touched, mirrorPage) {
		if _, err := p.encodePushed(ctx, page); err != nil {
			return err
		}
		if err := m.settle(ctx, page); err != nil {
			return err
		}
	}
	if err := p.checkStill(ctx); err != nil {
		return err
	}
	p.touched = nil
	return nil
}

// checkStill is ErrReplaced when searches of the collection use another model than this
// one. Whoever changes the model looks for images without its vectors afterwards: so
// either they see what was saved here, or this sees the change.
func (p *pushing) checkStill(ctx context.Context) error {
	known, err := p.store.UncountedCollection(ctx, p.name)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err == nil && known.ID == p.collection && known.Fingerprint != p.fingerprint {
		err = fmt.Errorf("collection %q: %w", p.name, ErrReplaced)
	}
	return err
}
