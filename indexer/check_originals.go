package indexer

import (
	"context"
	"errors"
	"io/fs"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// originals compares the pictures that were sent to the collection with the files that are
// kept of them: both come in order of SHA-256.
func (x *examination) originals(ctx context.Context) error {
	if x.kept.Blobs == nil {
		return nil
	}
	wanted := &contentPager{ctx: ctx, list: x.store.StoredContents, collection: x.known.ID}
	return wanted.match(func(yield func(string, blob.File) error) error { return x.kept.Blobs.WalkContents(ctx, yield, nil) },
		func(content catalog.StoredContent, file blob.File) error { return x.original(ctx, content, file) },
		func(content catalog.StoredContent) error { return x.missing(ctx, content) })
}

// keptThumbnails compares the pictures whose originals were discarded with the thumbnails
// that are kept of them.
func (x *examination) keptThumbnails(ctx context.Context) error {
	if x.kept.Blobs == nil {
		return nil
	}
	wanted := &contentPager{ctx: ctx, list: x.store.StoredThumbnails, collection: x.known.ID}
	return wanted.match(func(yield func(string, blob.File) error) error { return x.kept.Blobs.WalkThumbnails(ctx, yield) },
		func(content catalog.StoredContent, file blob.File) error { return x.keptThumbnail(ctx, content, file) },
		func(content catalog.StoredContent) error { return x.missingThumbnail(ctx, content) })
}

// contentPager gives the contents that images of a collection have, one after the other.
type contentPager struct {
	ctx        context.Context
	list       func(ctx context.Context, collection catalog.CollectionID, after string, limit int) ([]catalog.StoredContent, error)
	collection catalog.CollectionID
	page       []catalog.StoredContent
	after      string
}

// match compares contents with the files that walk gives in order of SHA-256.
func (p *contentPager) match(walk func(yield func(sum string, file blob.File) error) error,
	there func(catalog.StoredContent, blob.File) error, missing func(catalog.StoredContent) error) error {
	next, err := p.next()
	if err != nil || next == nil {
		return err
	}
	err = walk(func(sum string, file blob.File) error {
		for next != nil && next.SHA256 < sum {
			if err := missing(*next); err != nil {
				return err
			}
			if next, err = p.next(); err != nil {
				return err
			}
		}
		if next == nil || next.SHA256 != sum {
			return nil
		}
		if err := there(*next, file); err != nil {
			return err
		}
		next, err = p.next()
		return err
	})
	for err == nil && next != nil {
		if err = missing(*next); err == nil {
			next, err = p.next()
		}
	}
	return err
}

// next is nil after the last.
func (p *contentPager) next() (*catalog.StoredContent, error) {
	if len(p.page) == 0 {
		var err error
		if p.page, err = p.list(p.ctx, p.collection, p.after, 1000); err != nil || len(p.page) == 0 {
			return nil, err
		}
	}
	content := p.page[0]
	p.page, p.after = p.page[1:], content.SHA256
	return &content, nil
}

// missing looks again for a file that was not listed: it may have come meanwhile, or its
// image may be gone, or it was discarded.
func (x *examination) missing(ctx context.Context, content catalog.StoredContent) error {
	_, err := x.kept.Blobs.Modified(ctx, blob.ContentName(content.SHA256))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	expected, err := x.store.ExpectedContents(ctx, []string{content.SHA256})
	if err == nil && expected[content.SHA256] {
		x.found.add(OriginalMissing, content.URI)
	}
	return err
}

// missingThumbnail is missing for a thumbnail. A repair makes it again where the original
// is there for once.
func (x *examination) missingThumbnail(ctx context.Context, content catalog.StoredContent) error {
	_, err := x.kept.Blobs.Modified(ctx, blob.ThumbnailName(content.SHA256))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	discarded, err := x.store.DiscardedContents(ctx, []string{content.SHA256})
	if err != nil || !discarded[content.SHA256] {
		return err
	}
	if used, err := x.store.PushedAnywhere(ctx, []string{content.SHA256}); err != nil || !used[content.SHA256] {
		return err
	}
	x.found.add(ThumbnailMissing, content.URI)
	if !x.repair {
		return nil
	}
	if err := x.keepThumbnailOf(ctx, x.kept.Blobs, content.SHA256); err == nil {
		x.found.repaired(ThumbnailMissing, 1)
	}
	return ctx.Err()
}

// keptThumbnail looks at a thumbnail. One that is damaged goes by a repair, so that it is
// made again when the picture is sent again.
func (x *examination) keptThumbnail(ctx context.Context, content catalog.StoredContent, file blob.File) error {
	if file.Size > 0 && !x.read.has(content.SHA256) {
		return nil
	}
	data, err := x.kept.Blobs.Read(ctx, file.Name, blob.MostThumbnail)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		_, _, err = smaller(data, ThumbnailSides[0])
	}
	if err == nil {
		return nil
	}
	if !x.repair {
		x.found.add(ThumbnailMissing, content.URI)
		return nil
	}
	if err := x.kept.Blobs.Delete(ctx, file.Name); err != nil {
		return err
	}
	return x.missingThumbnail(ctx, content)
}

// original looks at the file of a picture. One that is damaged is set aside by a repair, so
// that the picture can be sent again.
func (x *examination) original(ctx context.Context, content catalog.StoredContent, file blob.File) error {
	fault := ""
	switch {
	case file.Size != content.Size:
		fault = "its size has changed"
	case x.read.has(content.SHA256):
		sum, err := x.kept.Blobs.SumOf(ctx, file.Name)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			fault = err.Error()
		} else if sum != content.SHA256 {
			fault = "its bytes have changed"
		}
	}
	if fault == "" {
		return nil
	}
	x.found.add(OriginalDamaged, content.URI+": "+fault)
	if !x.repair {
		return nil
	}
	return x.kept.Blobs.SetAside(ctx, content.SHA256)
}
