package indexer

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
)

// anewPage is how many contents are looked up at once that have to be encoded anew.
const anewPage = 256

// EncodePushed encodes the pictures that clients have sent to a collection and that have no
// vector of the model in use by the indexer, and sends them to its index. tell, which may be
// nil, hears how far it is. Pictures whose files are gone or damaged are passed over: they
// stay without a vector.
func (ix *Indexer) EncodePushed(ctx context.Context, collection string, tell func(Progress)) error {
	unlock, err := ix.locks.lock(ctx, collection)
	if err != nil {
		return err
	}
	defer unlock()
	anew := &anew{destination: destination{Indexer: ix, name: collection}, progress: newTracker(tell)}
	if err = anew.openCollection(ctx); err == nil {
		anew.progress.enter(StateIndexing)
		err = anew.all(ctx)
	}
	if err != nil {
		return fmt.Errorf("encode the pictures that were sent to %q: %w", collection, err)
	}
	return nil
}

// anew is one EncodePushed in progress.
type anew struct {
	destination
	progress *tracker
}

func (a *anew) all(ctx context.Context) error {
	for after := ""; ; {
		page, err := a.store.PushedWithoutVector(ctx, a.collection, a.fingerprint, after, anewPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			_, err := a.mirror().repair(ctx)
			return err
		}
		for batch := range slices.Chunk(page, a.options.Batch) {
			if err := a.batch(ctx, batch); err != nil {
				return err
			}
		}
		after = page[len(page)-1].SHA256
	}
}

func (a *anew) batch(ctx context.Context, contents []catalog.StoredContent) error {
	if err := a.options.Room(); err != nil {
		return err
	}
	ready := make([]prepared, len(contents))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(a.options.Workers)
	for i, content := range contents {
		group.Go(func() error { return a.read(inner, content, &ready[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	ready = slices.DeleteFunc(ready, func(p prepared) bool { return p.pixels == nil })
	vectors, encoded, err := a.vectors(ctx, ready)
	if err != nil {
		return err
	}
	for sum, vector := range vectors {
		if err := a.store.ReplaceVector(ctx, a.fingerprint, sum, vector); err != nil {
			return err
		}
	}
	a.progress.update(func(p *Progress) {
		p.Encoded += encoded
		p.Done += len(contents)
	})
	return nil
}

// read decodes the file of a content, unless it cannot be had.
func (a *anew) read(ctx context.Context, stored catalog.StoredContent, ready *prepared) error {
	image := catalog.Image{Source: catalog.PushedSource, URI: stored.URI, SHA256: stored.SHA256, Size: stored.Size}
	content, err := readPushed(ctx, a.kept.Blobs, image)
	if err == nil && content.SHA256 != stored.SHA256 {
		err = errChanged
	}
	if err == nil {
		err = a.decode(ctx, content, ready)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		ready.pixels = nil
		a.options.Log.Warn("a picture that was sent cannot be encoded anew", "picture", stored.URI, "error", err)
	}
	return nil
}
