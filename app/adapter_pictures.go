package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"polylens/indexer"
	"polylens/indexer/catalog/database"
	"polylens/web"
)

// webPictures shows the files behind images to web.
type webPictures struct {
	store      *database.Store
	thumbnails *indexer.Thumbnails
}

// Original implements web.Pictures.
func (p webPictures) Original(ctx context.Context, collection, id string) (web.Picture, error) {
	if _, err := imageOf(ctx, p.store, collection, id); err != nil {
		return web.Picture{}, err
	}
	file, err := indexer.OpenOriginal(ctx, p.store, id)
	if err != nil {
		return web.Picture{}, gone(err)
	}
	return web.Picture{Content: file, Type: file.ContentType, Modified: file.Modified, Name: file.Name,
		Tag: fmt.Sprintf("%x-%x", file.Size, file.Modified.UnixNano())}, nil
}

// Thumbnail implements web.Pictures.
func (p webPictures) Thumbnail(ctx context.Context, collection, id string, size int) (web.Picture, error) {
	if _, err := imageOf(ctx, p.store, collection, id); err != nil {
		return web.Picture{}, err
	}
	made, err := p.thumbnails.Get(ctx, id, size)
	if err != nil {
		return web.Picture{}, gone(err)
	}
	return web.Picture{Content: inMemory{bytes.NewReader(made.Data)}, Type: made.ContentType, Tag: made.SHA256}, nil
}

// gone tells of a file that is no longer where it was indexed.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: its file is gone; index the folder again", web.ErrNotFound)
	}
	return err
}

// inMemory is a file that needs no closing.
type inMemory struct{ *bytes.Reader }

// Close implements io.Closer.
func (inMemory) Close() error { return nil }
