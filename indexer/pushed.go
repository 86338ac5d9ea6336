package indexer

import (
	"context"
	"io"
	"path"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/decode"
)

// isPushed reports whether the file of an image is one that a client has sent.
func isPushed(image catalog.Image) bool { return image.Source == catalog.PushedSource }

// openPushed opens the file of a pushed image, whose name says what it holds.
func openPushed(ctx context.Context, blobs *blob.Store, image catalog.Image) (*Original, error) {
	file, err := blobs.Open(ctx, blob.ContentName(image.SHA256))
	if err != nil {
		return nil, err
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	if err == nil || err == io.ErrUnexpectedEOF {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = file.Close() // the first error says more
		return nil, err
	}
	return &Original{
		ReadSeekCloser: file, Name: path.Base(image.PublicID()), ContentType: sniff(head[:n]),
		Modified: image.Created, Size: file.Size(), Tag: image.SHA256,
	}, nil
}

// readPushed reads the file of a pushed image.
func readPushed(ctx context.Context, blobs *blob.Store, image catalog.Image) (decode.Content, error) {
	data, err := blobs.Read(ctx, blob.ContentName(image.SHA256), image.Size)
	if err != nil {
		return decode.Content{}, err
	}
	return decode.NewContent(image.URI, data), nil
}
