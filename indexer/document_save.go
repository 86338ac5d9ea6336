package indexer

import (
	"context"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// save encodes what has no vector yet and saves documents with the outcomes of their
// chunk, in one transaction. It returns what became of each.
func (p *pushing) save(ctx context.Context, ready []readied) ([]database.PushItem, error) {
	vectors, err := p.vectorsOf(ctx, ready)
	if err != nil {
		return nil, err
	}
	push := database.Push{Chunk: p.chunk, Fingerprint: p.fingerprint, Explain: p.explain}
	for _, r := range ready {
		if r.err == nil && r.content != "" {
			p.noteOriginal(&push, r.content)
		}
		push.Items = append(push.Items, itemOf(r, vectors[r.image.SHA256]))
	}
	if err := p.store.SavePush(ctx, p.collection, &push); err != nil {
		return nil, err
	}
	for _, item := range push.Items {
		if item.Err == nil {
			p.touch(item.ItemResult)
		}
	}
	return push.Items, nil
}

// noteOriginal says whether the original of a picture is kept.
func (p *pushing) noteOriginal(push *database.Push, content string) {
	if p.originals == catalog.OriginalsDiscarded {
		push.Discarded = append(push.Discarded, content)
	} else {
		push.Kept = append(push.Kept, content)
	}
}

// itemOf is what is saved of a document; vector is nil if it has no picture, or one for
// which the model gives none.
func itemOf(r readied, vector []float32) database.PushItem {
	item := database.PushItem{ItemResult: r.ItemResult, Err: r.err, Fetched: r.fetched}
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

// mirrorAll brings what was saved into the index.
func (p *pushing) mirrorAll(ctx context.Context) error {
	m := p.mirror()
	for page := range slices.Chunk(p.touched, mirrorPage) {
		if err := m.settle(ctx, page); err != nil {
			return err
		}
	}
	p.touched = nil
	return nil
}
