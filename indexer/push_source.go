package indexer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"polylens/indexer/archive"
	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// PushSource is where a push takes its lines or pictures from when it is done, rather than
// from a body: one of these.
type PushSource struct {
	Upload string `json:"upload,omitempty"` // ID of an upload: lines of JSON or an archive
	Bucket string `json:"bucket,omitempty"` // URL of a bucket and what the keys of pictures in it begin with
	Layout Layout `json:"layout,omitempty"` // of an archive
}

func (s PushSource) given() bool { return s.Upload != "" || s.Bucket != "" }

// ReceiveFrom queues a job that does what a source holds. catalog.ErrNotFound for an upload
// that the collection does not have, catalog.ErrConflict for one that is not finished,
// catalog.ErrInvalid for a bucket that clients may not name.
func (p *Pushes) ReceiveFrom(ctx context.Context, collection string, from PushSource) (catalog.Job, error) {
	if err := catalog.ValidateCollectionName(collection); err != nil {
		return catalog.Job{}, err
	}
	from.Layout = p.options.Layout
	name, err := newPushName()
	if err != nil {
		return catalog.Job{}, err
	}
	if err := p.reserve(ctx, collection, name, from); err != nil {
		return catalog.Job{}, err
	}
	return p.order(ctx, collection, PushParams{name, from})
}

// reserve checks a source, and keeps it until the push is done.
func (p *Pushes) reserve(ctx context.Context, collection, push string, from PushSource) error {
	if from.Bucket != "" {
		_, err := p.documents.places.prefixIn(from.Bucket)
		return err
	}
	uploads := p.documents.places.Uploads
	if uploads == nil {
		return fmt.Errorf("upload %.80q: %w", from.Upload, catalog.ErrNotFound)
	}
	file, err := uploads.Open(ctx, collection, from.Upload)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), uploads.Use(ctx, from.Upload, push))
}

// prepare cuts what the source of a push holds into chunks, unless that is done. spend says
// that the source is not needed any more.
func (p *Pushes) prepare(ctx context.Context, collection string, params PushParams, spend bool) error {
	if !params.given() {
		return nil
	}
	_, err := p.blobs.Modified(ctx, manifestName(params.Push))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := p.clear(ctx, params.Push); err != nil {
		return err
	}
	attempt, err := newPushName() // an earlier one that was given up may still write
	if err != nil {
		return err
	}
	cut := &cutter{pushes: p, collection: collection, push: params.Push, name: params.Push + "/" + attempt, layout: params.Layout}
	found, err := p.cut(ctx, cut, func(cut *cutter) error { return p.fill(cut, params.PushSource) })
	if err != nil {
		return err
	}
	if err := p.keepManifest(ctx, params.Push, found); err != nil || !spend {
		return err
	}
	return p.spend(ctx, params.PushSource)
}

// clear removes what earlier attempts to prepare a push have left.
func (p *Pushes) clear(ctx context.Context, push string) error {
	return p.blobs.Walk(ctx, pushFolder+push+"/", func(file blob.File) error { return p.blobs.Delete(ctx, file.Name) })
}

// spend removes a source that was only there for the push.
func (p *Pushes) spend(ctx context.Context, from PushSource) error {
	if from.Upload == "" {
		return nil
	}
	return p.documents.places.Uploads.Spend(ctx, from.Upload)
}

// fill adds the lines of a source.
func (p *Pushes) fill(cut *cutter, from PushSource) error {
	if from.Bucket != "" {
		prefix, err := p.documents.places.prefixIn(from.Bucket)
		if err != nil {
			return err
		}
		return cut.bucket(prefix)
	}
	file, err := p.documents.places.Uploads.Open(cut.ctx, cut.collection, from.Upload)
	if err != nil {
		return err
	}
	defer file.Close()
	return cut.file(blob.NewWindow(ours{file}))
}

// file adds what a file holds, which is told by its bytes: an archive, or lines of JSON.
func (c *cutter) file(content *blob.Window) error {
	isArchive, lines, err := look(content)
	if err != nil {
		return err
	}
	defer lines.Close()
	if !isArchive {
		return c.all(lines)
	}
	return c.archive(content)
}

// look tells an archive from lines of JSON, which may be packed, and reads the lines.
func look(content *blob.Window) (isArchive bool, lines io.ReadCloser, err error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return false, nil, err
	}
	switch packing := archive.PackingOf(head[:n]); packing {
	case archive.Zip:
		return true, io.NopCloser(content), nil
	case archive.None:
		return archive.IsTar(head[:n]) || isParquet(head[:n]), io.NopCloser(content), nil
	default:
		return lookInside(packing, content)
	}
}

// headBytes are enough to know a tar archive.
const headBytes = 512

func lookInside(packing archive.Packing, content io.Reader) (isArchive bool, lines io.ReadCloser, err error) {
	unpacked, err := archive.Unpack(packing, content)
	if err != nil {
		return false, nil, ofArchive(err)
	}
	buffered := bufio.NewReaderSize(unpacked, 1<<16)
	head, err := buffered.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, nil, errors.Join(ofArchive(err), unpacked.Close())
	}
	return archive.IsTar(head), packedLines{buffered, unpacked}, nil
}

// packedLines are read of what is packed.
type packedLines struct {
	io.Reader
	io.Closer
}

// Read implements io.Reader.
func (p packedLines) Read(into []byte) (int, error) {
	n, err := p.Reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		err = ofArchive(err)
	}
	return n, err
}
