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
	wanted := &contentPager{ctx: ctx, x: x}
	next, err := wanted.next()
	if err != nil || next == nil {
		return err
	}
	err = x.kept.Blobs.WalkContents(ctx, func(sum string, file blob.File) error {
		for next != nil && next.SHA256 < sum {
			if err := x.missing(ctx, *next); err != nil {
				return err
			}
			if next, err = wanted.next(); err != nil {
				return err
			}
		}
		if next == nil || next.SHA256 != sum {
			return nil
		}
		if err := x.original(ctx, *next, file); err != nil {
			return err
		}
		next, err = wanted.next()
		return err
	}, nil)
	for err == nil && next != nil {
		if err = x.missing(ctx, *next); err == nil {
			next, err = wanted.next()
		}
	}
	return err
}

// contentPager gives the contents that images of a collection have, one after the other.
type contentPager struct {
	ctx   context.Context
	x     *examination
	page  []catalog.StoredContent
	after string
}

// next is nil after the last.
func (p *contentPager) next() (*catalog.StoredContent, error) {
	if len(p.page) == 0 {
		var err error
		if p.page, err = p.x.store.StoredContents(p.ctx, p.x.known.ID, p.after, 1000); err != nil || len(p.page) == 0 {
			return nil, err
		}
	}
	content := p.page[0]
	p.page, p.after = p.page[1:], content.SHA256
	return &content, nil
}

// missing looks again for a file that was not listed: it may have come meanwhile, or its
// image may be gone.
func (x *examination) missing(ctx context.Context, content catalog.StoredContent) error {
	_, err := x.kept.Blobs.Modified(ctx, blob.ContentName(content.SHA256))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	needed, err := x.store.NeededContents(ctx, []string{content.SHA256})
	if err == nil && needed[content.SHA256] {
		x.found.add(OriginalMissing, content.URI)
	}
	return err
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
