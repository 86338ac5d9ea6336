package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // for URLs that begin with s3://
	"gocloud.dev/gcerrors"

	"polylens/internal/replace"
)

// ErrTooLarge is wrapped by the error for a file with too many bytes.
var ErrTooLarge = errors.New("more")

// Store keeps files. Its methods may be called from many goroutines and processes.
type Store struct {
	bucket *blob.Bucket
	what   string // for people
	disk   *disk  // that Sync writes to at once; nil: files are on it when they are closed
	local  bool   // a folder
}

// OpenFolder keeps files in a folder, which is made, readable by its owner alone.
func OpenFolder(path string) (*Store, error) {
	bucket, err := fileblob.OpenBucket(path, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("folder for pictures: %w", err)
	}
	return &Store{bucket: bucket, what: path, disk: openDisk(path), local: true}, nil
}

// Open keeps files in a bucket, such as s3://pictures?region=eu-central-1&prefix=polylens/.
// Errors do not repeat the query, which may hold secrets.
func Open(ctx context.Context, url string) (*Store, error) {
	place, _, _ := strings.Cut(url, "?")
	bucket, err := blob.OpenBucket(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", place, err)
	}
	return &Store{bucket: bucket, what: place}, nil
}

// Close ends the use of the store.
func (s *Store) Close() error { return errors.Join(s.disk.close(), s.bucket.Close()) }

// Create begins to write a file, which is there as a whole once Close has returned nil.
// A ctx that ends before that leaves nothing.
func (s *Store) Create(ctx context.Context, name string) (io.WriteCloser, error) {
	return s.create(ctx, name, true)
}

// create is Create; unless now, the file outlives a power failure only after Sync.
func (s *Store) create(ctx context.Context, name string, now bool) (io.WriteCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	file := &durable{cancel: cancel}
	w, err := s.bucket.NewWriter(ctx, name, &blob.WriterOptions{
		ContentType:                 "application/octet-stream",
		DisableContentTypeDetection: true,
		BeforeWrite: func(as func(any) bool) error {
			if now {
				as(&file.file)
			}
			return nil
		},
	})
	if err != nil {
		cancel()
		return nil, s.explain("write", name, err)
	}
	file.Writer = w
	return file, nil
}

// durable is a file that is on the disk before it gets its name, and with its name when it
// is closed.
type durable struct {
	*blob.Writer
	file   *os.File // to be on the disk; nil in a bucket, and for files that Sync takes there
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (d *durable) Close() error {
	defer d.cancel()
	if d.file == nil {
		return d.Writer.Close()
	}
	err := d.file.Sync()
	if err != nil {
		d.cancel() // it must not get its name
	}
	if err := errors.Join(err, d.Writer.Close()); err != nil {
		return err
	}
	return replace.SyncFolder(filepath.Dir(d.file.Name()))
}

// Write writes a file with what fill writes. An error of fill leaves nothing.
func (s *Store) Write(ctx context.Context, name string, fill func(io.Writer) error) error {
	return s.write(ctx, name, true, fill)
}

func (s *Store) write(ctx context.Context, name string, now bool, fill func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.create(ctx, name, now)
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		cancel()
		_ = w.Close() // the first error says more
		return err
	}
	if err := w.Close(); err != nil {
		return s.explain("write", name, err)
	}
	return nil
}

// Put writes a file at once.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	return s.put(ctx, name, true, data)
}

func (s *Store) put(ctx context.Context, name string, now bool, data []byte) error {
	return s.write(ctx, name, now, func(w io.Writer) error {
		if _, err := w.Write(data); err != nil {
			return s.explain("write", name, err)
		}
		return nil
	})
}

// Modified is when a file was written. fs.ErrNotExist, wrapped, when there is none.
func (s *Store) Modified(ctx context.Context, name string) (time.Time, error) {
	attributes, err := s.bucket.Attributes(ctx, name)
	if err != nil {
		return time.Time{}, s.explain("look for", name, err)
	}
	return attributes.ModTime, nil
}

// Reader reads a file.
type Reader interface {
	io.ReadSeekCloser
	Size() int64
}

// Open begins to read a file, to be closed by the caller. ctx ends that, too.
// fs.ErrNotExist, wrapped, when there is none, fs.ErrInvalid for a name that none can have,
// fs.ErrPermission for one that the store does not give away.
func (s *Store) Open(ctx context.Context, name string) (Reader, error) {
	r, err := s.bucket.NewReader(ctx, name, nil)
	if err != nil {
		return nil, s.explain("read", name, err)
	}
	return r, nil
}

// Read returns a file of at most most bytes, and errors as Open does; ErrTooLarge for one
// with more.
func (s *Store) Read(ctx context.Context, name string, most int64) ([]byte, error) {
	r, err := s.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() > most {
		return nil, fmt.Errorf("read %s in %s: it has %d bytes, %w than the %d that are expected", name, s.what, r.Size(), ErrTooLarge, most)
	}
	data := make([]byte, r.Size())
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, s.explain("read", name, err)
	}
	return data, nil
}

// Delete removes a file. One that is not there is no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	err := s.bucket.Delete(ctx, name)
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return s.explain("delete", name, err)
	}
	return nil
}

// File is one that is kept.
type File struct {
	Name     string
	Size     int64
	Modified time.Time
}

// Walk calls yield with every file whose name begins with prefix, in order of names; in a
// folder, in that of each folder's. Files that come or go meanwhile may be missed.
func (s *Store) Walk(ctx context.Context, prefix string, yield func(File) error) error {
	if s.local {
		return s.walkFolder(ctx, prefix, yield)
	}
	list := s.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.explain("list", prefix, err)
		}
		if err := yield(File{object.Key, object.Size, object.ModTime}); err != nil {
			return err
		}
	}
}

func (s *Store) explain(what, name string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case gcerrors.PermissionDenied:
		err = fmt.Errorf("%w: %w", fs.ErrPermission, err)
	case gcerrors.InvalidArgument:
		err = fmt.Errorf("%w: %w", fs.ErrInvalid, err)
	}
	return fmt.Errorf("%s %s in %s: %w", what, name, s.what, err)
}
