package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/internal/disk"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// ThumbnailSides are the sides thumbnails are made in; others are rounded up
// to one of them, so that no request can fill the disk with sizes.
var ThumbnailSides = []int{128, 256, 512, 1024}

const (
	thumbnailsAtOnce = 2
	// For its turn, and then to be made, which may take the time limit of decoding twice:
	// to wait for memory and to decode. Together they are less than a request may take.
	thumbnailPatience = 20 * time.Second
	thumbnailTimeout  = time.Minute
)

// Thumbnails makes small versions of pictures on demand and keeps them in a
// folder, by content: equal files share them, and a changed file gets new ones.
type Thumbnails struct {
	folder  string
	store   *database.Store
	blobs   *blob.Store
	decoder Decoder
	turns   *semaphore.Weighted
	flight  singleflight.Group

	patience time.Duration
}

// NewThumbnails keeps thumbnails in folder, which is made when it is missing.
func NewThumbnails(folder string, store *database.Store, blobs *blob.Store, decoder Decoder) (*Thumbnails, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder for thumbnails: %w", err)
	}
	return &Thumbnails{
		folder: folder, store: store, blobs: blobs, decoder: decoder,
		turns: semaphore.NewWeighted(thumbnailsAtOnce), patience: thumbnailPatience,
	}, nil
}

// Thumbnail is an encoded small picture.
type Thumbnail struct {
	Data        []byte
	ContentType string
	SHA256      string // of the picture it was made from; together with the side it identifies the thumbnail for good
}

// Get returns the thumbnail of an image. No side is longer than side pixels,
// rounded up to one of ThumbnailSides. catalog.ErrNotFound for an unknown
// image, catalog.ErrChanged when its file is not what was indexed, catalog.ErrBusy when
// its turn does not come, or no memory is free, in time; other errors when the file can no
// longer be read.
func (t *Thumbnails) Get(ctx context.Context, collection, imageID string, side int) (Thumbnail, error) {
	image, err := t.store.Image(ctx, collection, imageID)
	if err != nil {
		return Thumbnail{}, err
	}
	side = roundSide(side)
	key := filepath.Join(image.SHA256[:2], image.SHA256[2:]+"-"+strconv.Itoa(side))
	if data, err := ordinary.Read(filepath.Join(t.folder, key), 64<<20); err == nil && len(data) > 0 {
		return Thumbnail{Data: data, ContentType: http.DetectContentType(data), SHA256: image.SHA256}, nil
	}
	// Whoever asks first makes it for all; it is finished even when they leave.
	result := t.flight.DoChan(key, func() (any, error) {
		return t.inTurn(context.WithoutCancel(ctx), func(ctx context.Context) (Thumbnail, error) {
			return t.make(ctx, image, side, key)
		})
	})
	select {
	case <-ctx.Done():
		return Thumbnail{}, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return Thumbnail{}, fmt.Errorf("thumbnail of %s: %w", image.URI, r.Err)
		}
		return r.Val.(Thumbnail), nil
	}
}

func roundSide(side int) int {
	for _, fixed := range ThumbnailSides {
		if side <= fixed {
			return fixed
		}
	}
	return ThumbnailSides[len(ThumbnailSides)-1]
}

// inTurn makes a thumbnail once it is its turn. How long it waited does not count.
func (t *Thumbnails) inTurn(ctx context.Context, make func(context.Context) (Thumbnail, error)) (Thumbnail, error) {
	waiting, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	if err := t.turns.Acquire(waiting, 1); err != nil {
		return Thumbnail{}, catalog.ErrBusy
	}
	defer t.turns.Release(1)
	ctx, cancel = context.WithTimeout(ctx, thumbnailTimeout)
	defer cancel()
	return make(ctx)
}

func (t *Thumbnails) make(ctx context.Context, image catalog.Image, side int, key string) (Thumbnail, error) {
	made, err := t.of(ctx, image, side)
	if err != nil {
		return Thumbnail{}, err
	}
	if err := t.keep(key, made.Data); err != nil && !disk.IsFull(err) {
		return made, err
	}
	return made, nil // one that cannot be kept is made again
}

// read returns the file of an image.
func (t *Thumbnails) read(ctx context.Context, image catalog.Image) (decode.Content, error) {
	if isPushed(image) {
		return readPushed(ctx, t.blobs, image)
	}
	return t.decoder.Read(ctx, image.URI, func(ctx context.Context) (*ordinary.File, error) { return openFile(ctx, t.store, image) })
}

// of makes the thumbnail of an image. Where its original is not kept, that is a smaller one
// of the thumbnail which is.
func (t *Thumbnails) of(ctx context.Context, image catalog.Image, side int) (Thumbnail, error) {
	content, err := t.read(ctx, image)
	if isPushed(image) && errors.Is(err, fs.ErrNotExist) {
		return t.ofKept(ctx, image, side, err)
	}
	if err != nil {
		return Thumbnail{}, err
	}
	if content.SHA256 != image.SHA256 {
		return Thumbnail{}, errChanged
	}
	data, contentType, err := thumbnailOfContent(ctx, t.decoder, content, side)
	return Thumbnail{Data: data, ContentType: contentType, SHA256: content.SHA256}, err
}

// ofKept is of for an image without an original; missing says so.
func (t *Thumbnails) ofKept(ctx context.Context, image catalog.Image, side int, missing error) (Thumbnail, error) {
	kept, err := readKeptThumbnail(ctx, t.blobs, image)
	if errors.Is(err, fs.ErrNotExist) {
		return Thumbnail{}, missing
	}
	if err == nil && side < largestSide() {
		kept, _, err = smaller(kept, side)
	}
	return Thumbnail{Data: kept, ContentType: http.DetectContentType(kept), SHA256: image.SHA256}, err
}

// keep writes at once: a reader never sees half of it.
func (t *Thumbnails) keep(key string, data []byte) error {
	path := filepath.Join(t.folder, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replace.Volatile(path, data)
}
