package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// upload reads a picture that was sent in pieces.
func (p Places) upload(ctx context.Context, collection, id string) ([]byte, error) {
	if p.Uploads == nil {
		return nil, fmt.Errorf("%w: this server takes no uploads; send its bytes", catalog.ErrPicture)
	}
	file, err := p.Uploads.Open(ctx, collection, id)
	if errors.Is(err, catalog.ErrNotFound) || errors.Is(err, catalog.ErrConflict) {
		return nil, fmt.Errorf("%w: %w", catalog.ErrPicture, err)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if file.Size() > p.MaxBytes {
		return nil, fmt.Errorf("%w: upload %s has %d bytes, at most %d are read", catalog.ErrPicture, id, file.Size(), p.MaxBytes)
	}
	data := make([]byte, file.Size())
	_, err = io.ReadFull(file, data)
	return data, err
}

// use notes that a line names an upload, which is kept until the push is done.
func (c *cutter) use(id string) error {
	uploads := c.pushes.documents.places.Uploads
	if id == "" || uploads == nil || c.used[id] {
		return nil
	}
	if _, err := uploads.Find(c.ctx, c.collection, id); errors.Is(err, catalog.ErrNotFound) {
		return nil // its line will say so
	} else if err != nil {
		return err
	}
	if c.used == nil {
		c.used = make(map[string]bool)
	}
	c.used[id] = true
	return uploads.Use(c.ctx, id, c.push)
}

// Uploads are those whose place is given to others when pushes have used them.
type Uploads struct {
	*upload.Store
	pushes *Pushes
}

// Uploads are where pushes find pictures and archives that came in pieces.
func (p *Pushes) Uploads() Uploads { return Uploads{p.documents.places.Uploads, p} }

// Create begins an upload. Where there is no place for it, those go first that are used.
func (u Uploads) Create(ctx context.Context, about upload.About) (upload.Upload, error) {
	created, err := u.Store.Create(ctx, about)
	var full *upload.LimitError
	if !errors.As(err, &full) {
		return created, err
	}
	known, err := u.pushes.knownPushes(ctx)
	if err == nil {
		err = u.pushes.collectUploads(ctx, time.Now(), known)
	}
	if err != nil {
		return created, err
	}
	return u.Store.Create(ctx, about)
}
