package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// Pictures opens the files behind images, as they lie in their sources or as
// thumbnails.
type Pictures struct {
	store      *database.Store
	blobs      *blob.Store
	thumbnails *Thumbnails
	verdicts   verdicts
}

// NewPictures keeps thumbnails in a folder, which is created. blobs holds the pictures
// that clients have sent.
func NewPictures(folder string, store *database.Store, blobs *blob.Store, decoder Decoder) (*Pictures, error) {
	thumbnails, err := NewThumbnails(folder, store, blobs, decoder)
	verdicts, failed := newVerdicts()
	return &Pictures{store, blobs, thumbnails, verdicts}, errors.Join(err, failed)
}

// Original opens the file of an image, to be closed by the caller, if it holds what was
// indexed. catalog.ErrImageNotFound for an unknown image, catalog.ErrNotFound when its
// file is gone, catalog.ErrChanged when it is another one now.
func (p *Pictures) Original(ctx context.Context, collection, id string) (*Original, error) {
	original, err := p.open(ctx, collection, id)
	return original, gone(err)
}

// Thumbnail returns a small version of an image's picture, see Thumbnails.Get.
// Errors are those of Original.
func (p *Pictures) Thumbnail(ctx context.Context, collection, id string, side int) (Thumbnail, error) {
	thumbnail, err := p.thumbnails.Get(ctx, collection, id, side)
	return thumbnail, gone(err)
}

// gone is the error for a file that is no longer where it was indexed.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, catalog.ErrDiscarded) {
		return fmt.Errorf("%w: its file is gone; index the folder again", catalog.ErrNotFound)
	}
	return err
}
