package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
)

// Original is the file of an image as it lies in its source.
type Original struct {
	io.ReadSeekCloser        // to be closed by the caller
	Name              string // without folders
	ContentType       string // from the first bytes; application/octet-stream for what is no picture
	Modified          time.Time
	Size              int64
	Tag               string // changes when the content does
}

// OpenOriginal opens the file of an image. Only files that the catalogue
// names are opened, and only inside the source they were found in, unless links are followed in that.
// catalog.ErrImageNotFound for an unknown image, fs.ErrNotExist when its file is
// gone.
func OpenOriginal(ctx context.Context, store *database.Store, collection, imageID string) (*Original, error) {
	image, err := store.Image(ctx, collection, imageID)
	if err != nil {
		return nil, err
	}
	file, err := openFile(ctx, store, image)
	if err != nil {
		return nil, err
	}
	original, err := describe(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("original of %s: %w", image.URI, err)
	}
	return original, nil
}

// openFile opens the file of an image, which lies outside of its source only when the
// source was indexed with links followed.
func openFile(ctx context.Context, store *database.Store, image catalog.Image) (*os.File, error) {
	file, err := source.Open(image.Source, image.URI)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	collection, notFound := store.UncountedCollection(ctx, image.Collection)
	if notFound != nil {
		return nil, err
	}
	if rules, unknown := rulesOf(ctx, store, collection.ID, image.Source); unknown != nil || !rules.FollowLinks {
		return nil, err
	}
	return source.OpenFollowing(image.Source, image.URI)
}

func describe(file *os.File) (*Original, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a file any more")
	}
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return &Original{
		ReadSeekCloser: file, Name: path.Base(file.Name()), ContentType: sniff(head[:n]),
		Modified: info.ModTime(), Size: info.Size(),
		Tag: fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano()),
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
