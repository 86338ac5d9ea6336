package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/decode"
)

// known reads a picture that some image of the collection has: whoever can name the
// SHA-256 of a picture of another collection does not get to see it by that. Where its
// original was discarded, what is known of it has to be enough.
func (p *pushing) known(ctx context.Context, sha256 string) (brought, error) {
	none := brought{release: func() {}}
	here, err := p.store.PushedContents(ctx, p.collection, []string{sha256})
	if err != nil {
		return none, err
	}
	size, there := here[sha256]
	if !there {
		return none, fmt.Errorf("%w: the collection has none with SHA-256 %.64q; send its bytes", catalog.ErrPicture, sha256)
	}
	data, err := p.blobs.Read(ctx, blob.ContentName(sha256), size)
	if err == nil {
		return brought{data: data, release: none.release}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return none, err
	}
	enough, err := p.isEnoughKnown(ctx, sha256)
	if err == nil && !enough {
		err = fmt.Errorf("%w: its file is gone; send its bytes", catalog.ErrPicture)
	}
	return brought{sha256: sha256, release: none.release}, err
}

// isEnoughKnown reports whether another image can be made of a content without its file:
// its vector, its thumbnail and what is written in it are there.
func (p *pushing) isEnoughKnown(ctx context.Context, sha256 string) (bool, error) {
	if p.originals != catalog.OriginalsDiscarded {
		return false, nil
	}
	var found prepared
	if known, err := p.reuse(ctx, sha256, &found); err != nil || !known {
		return false, err
	}
	if _, ok := recall(found.image.Embedded, p.metadata); !ok {
		return false, nil
	}
	return p.blobs.RefreshThumbnail(ctx, sha256)
}

// sizeOf is the size of the file of a picture that the collection has.
func (p *pushing) sizeOf(ctx context.Context, sha256 string) (int64, error) {
	here, err := p.store.PushedContents(ctx, p.collection, []string{sha256})
	if err == nil && here[sha256] == 0 {
		err = fmt.Errorf("%w: its image was deleted meanwhile; send its bytes", catalog.ErrPicture)
	}
	return here[sha256], err
}

// content is what was brought, to be called by name in errors. Where only the SHA-256 is
// known, its data is nil.
func (b brought) content(name string) decode.Content {
	if b.sha256 != "" {
		return decode.Content{Name: name, SHA256: b.sha256}
	}
	if b.data == nil {
		b.data = []byte{}
	}
	return decode.NewContent(name, b.data)
}
