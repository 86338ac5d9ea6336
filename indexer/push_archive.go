package indexer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"

	"polylens/indexer/archive"
	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// maxPacked is the most bytes of a picture in an archive: as base64 it fits into a line.
const maxPacked = 32 << 20

// ReceiveArchive is Receive for the pictures of an archive, see package archive: a zip
// archive, or a tar archive, which may be packed. The names of its members are the
// identities of images.
func (p *Pushes) ReceiveArchive(ctx context.Context, collection string, body io.Reader) (catalog.Job, error) {
	return p.receive(ctx, collection, func(cut *cutter) error {
		content, closeContent, err := p.seekable(ctx, cut.name, body)
		if err != nil {
			return err
		}
		defer closeContent()
		return cut.archive(content)
	})
}

// archive adds the pictures of an archive, or of a Parquet file.
func (c *cutter) archive(content io.Reader) error {
	if window, ok := content.(*blob.Window); ok {
		head := make([]byte, len(parquetMagic))
		n, err := window.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if isParquet(head[:n]) {
			return c.parquet(window)
		}
		if _, err := window.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	summary, err := archive.Read(c.ctx, content, archive.Limits{MaxBytes: maxPacked}, c.entry)
	c.others = summary.Others
	return ofArchive(err)
}

// ofArchive is catalog.ErrInvalid for what is wrong with an archive.
func ofArchive(err error) error {
	var system interface{ Timeout() bool }
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &system) || errors.Is(err, errOurs) {
		return err
	}
	return fmt.Errorf("the archive is %w: %w", catalog.ErrInvalid, err)
}

// errOurs marks errors of keeping what an archive holds.
var errOurs = errors.New("cannot keep the pictures of an archive")

// entry adds a picture of an archive.
func (c *cutter) entry(entry archive.Entry) error {
	if c.layout == ImageFolder && entry.Problem == nil {
		entry.Metadata = WithLabel(entry.Metadata, entry.ID)
	}
	text, err := lineOf(entry)
	if err == nil {
		err = c.add(text)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	return nil
}

// WithLabel adds the name of the folder that a picture lies in as its label, unless it has
// one, or lies in no folder.
func WithLabel(metadata map[string]any, id string) map[string]any {
	folder := path.Base(path.Dir(id))
	if _, there := metadata["label"]; there || folder == "." || folder == "/" {
		return metadata
	}
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = make(map[string]any)
	}
	metadata["label"] = folder
	return metadata
}

// refused begins a line about what cannot be used, and says why.
const refused = '!'

// refusedLine is what follows refused.
type refusedLine struct {
	ID     string `json:"id"`
	Detail string `json:"detail"`
}

// lineOf is an entry as a client would have sent it.
func lineOf(entry archive.Entry) ([]byte, error) {
	if entry.Problem != nil {
		return refusal(entry.ID, entry.Problem.Error())
	}
	return json.Marshal(Line{
		LineWords: LineWords{Operation: catalog.OperationUpsert, ID: entry.ID, Note: noteOf(entry.Warnings)},
		Data:      entry.Data, Metadata: entry.Metadata, Captions: CaptionsOf(entry.Captions),
	})
}

func noteOf(warnings []error) string {
	if len(warnings) == 0 {
		return ""
	}
	return cleanReason(errors.Join(warnings...).Error())
}

// ReceiveFiles is Receive for files: next gives one after the other with its name, which
// is the identity of its image, and io.EOF after the last.
func (p *Pushes) ReceiveFiles(ctx context.Context, collection string, next func() (name string, data []byte, err error)) (catalog.Job, error) {
	return p.receive(ctx, collection, func(cut *cutter) error {
		for {
			name, data, err := next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := cut.entry(archive.Entry{ID: name, Data: data}); err != nil {
				return err
			}
		}
	})
}

// seekable keeps a zip archive or Parquet, whose directory stands at its end, so that it can be read
// anywhere. Others are read as they come.
func (p *Pushes) seekable(ctx context.Context, push string, body io.Reader) (content io.Reader, end func(), err error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), body)
	if archive.PackingOf(head[:n]) != archive.Zip && !isParquet(head[:n]) {
		return whole, func() {}, nil
	}
	if err := p.documents.indexer.options.Room(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errOurs, err)
	}
	err = p.blobs.Write(ctx, archiveName(push), func(file io.Writer) error {
		_, err := io.Copy(file, whole)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errOurs, err)
	}
	reader, err := p.blobs.Open(ctx, archiveName(push))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errOurs, err)
	}
	return blob.NewWindow(ours{reader}), func() { _ = reader.Close() }, nil // it was only read
}

// ours marks the errors of reading what is kept.
type ours struct{ blob.Reader }

// Read implements io.Reader.
func (o ours) Read(into []byte) (int, error) {
	n, err := o.Reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errOurs, err)
	}
	return n, err
}
