package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
	"polylens/internal/ordinary"
)

// Original is the file of an image as it was indexed. Reading fails with
// catalog.ErrChanged where somebody has written to it since it was opened.
type Original struct {
	io.ReadSeekCloser        // to be closed by the caller
	Name              string // without folders
	ContentType       string // from the first bytes; application/octet-stream for what is no picture
	Modified          time.Time
	Size              int64
	Tag               string // changes when the content does
}

// open opens the file of an image. Only files that the catalogue names are opened, only
// inside the source they were found in, unless links are followed in that, and only if
// they hold what was indexed; nothing else is read from them. catalog.ErrImageNotFound for
// an unknown image, fs.ErrNotExist when its file is gone, catalog.ErrDiscarded when it is
// not kept, catalog.ErrChanged when it is another one now.
func (p *Pictures) open(ctx context.Context, collection, imageID string) (*Original, error) {
	image, err := p.store.Image(ctx, collection, imageID)
	if err != nil {
		return nil, err
	}
	if isPushed(image) {
		original, err := openPushed(ctx, p.blobs, image)
		return original, p.whyGone(ctx, image, err)
	}
	file, err := openFile(ctx, p.store, image)
	if err != nil {
		return nil, err
	}
	pieces, err := p.verdicts.check(ctx, file, image)
	if err == nil {
		var original *Original
		if original, err = describe(file, image, pieces); err == nil {
			return original, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("original of %s: %w", image.URI, err), file.Close())
}

// openFile opens the file of an image, which lies outside of its source only when the
// source was indexed with links followed. What the file holds is not looked at.
func openFile(ctx context.Context, store *database.Store, image catalog.Image) (*ordinary.File, error) {
	file, err := source.Open(ctx, image.Source, image.URI)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	collection, notFound := store.UncountedCollection(ctx, image.Collection)
	if notFound != nil {
		return nil, unopened(err)
	}
	if rules, unknown := rulesOf(ctx, store, collection.ID, image.Source); unknown != nil || !rules.FollowLinks {
		return nil, unopened(err)
	}
	file, err = source.OpenFollowing(ctx, image.Source, image.URI)
	if err != nil {
		return nil, unopened(err)
	}
	return file, nil
}

// describe says of a file, which is an image's, what a browser wants to know.
func describe(file *ordinary.File, image catalog.Image, pieces []pieceSum) (*Original, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 512)
	content := &verified{file: file, size: image.Size, pieces: pieces}
	n, err := content.Read(head)
	if err != nil && err != io.EOF {
		return nil, err
	}
	content.at = 0
	return &Original{
		ReadSeekCloser: content, Name: path.Base(file.Name()), ContentType: sniff(head[:n]),
		Modified: info.ModTime(), Size: image.Size, Tag: image.SHA256,
	}, nil
}

// sniff never returns a type that a browser would run.
func sniff(head []byte) string {
	if bytes.HasPrefix(head, []byte("II*\x00")) || bytes.HasPrefix(head, []byte("MM\x00*")) {
		return "image/tiff"
	}
	if kind := http.DetectContentType(head); strings.HasPrefix(kind, "image/") && kind != "image/svg+xml" {
		return kind
	}
	return "application/octet-stream"
}
