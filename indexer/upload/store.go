package upload

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

const (
	// partBytes are lost at most when a process dies.
	partBytes = 8 << 20
	// mostAbout bounds the bytes of what is known of an upload.
	mostAbout = 64 << 10
)

// Store keeps uploads. Its methods may be called from many goroutines; who adds to one
// upload from several at once has to keep them apart.
type Store struct {
	blobs  *blob.Store
	limits Limits
	room   func(bytes int64) error

	mu    sync.Mutex
	known map[string]About // by ID, of those that were read; they do not change
}

// New keeps uploads in blobs. room fails, as disk.Check does, when there is none for so many
// bytes more.
func New(blobs *blob.Store, limits Limits, room func(bytes int64) error) *Store {
	return &Store{blobs: blobs, limits: limits.withDefaults(), room: room, known: make(map[string]About)}
}

// MaxBytes is the most bytes of one upload.
func (s *Store) MaxBytes() int64 { return s.limits.Bytes }

// Create begins an upload; ID and Created of about are chosen here. It is a *LimitError
// when there is no place for it now, and disk.ErrFull when the disk has none.
func (s *Store) Create(ctx context.Context, about About) (Upload, error) {
	if err := s.limits.check(about); err != nil {
		return Upload{}, err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return Upload{}, err
	}
	about.ID, about.Created = id.String(), time.Now().UTC()
	text, err := json.Marshal(about)
	if err != nil {
		return Upload{}, err
	}
	if len(text) > mostAbout {
		return Upload{}, fmt.Errorf("the metadata of the upload is %w: it has more than %d bytes", catalog.ErrInvalid, mostAbout)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	others, err := s.all(ctx)
	if err == nil {
		err = s.limits.fits(about, others)
	}
	if err == nil {
		err = s.room(about.Size)
	}
	if err == nil {
		err = s.blobs.Put(ctx, abouts+about.ID, text)
	}
	if err != nil {
		return Upload{}, err
	}
	s.known[about.ID] = about
	return Upload{About: about, Touched: about.Created}, nil
}

// all lists the uploads that there are; the lock is held.
func (s *Store) all(ctx context.Context) ([]About, error) {
	var all []About
	here := make(map[string]About)
	err := s.blobs.Walk(ctx, abouts, func(file blob.File) error {
		id := strings.TrimPrefix(file.Name, abouts)
		about, known := s.known[id]
		if !known && !isID.MatchString(id) {
			return nil // a process has died while it wrote one
		}
		if !known {
			var err error
			if about, err = s.read(ctx, id); err != nil {
				return ignoreMissing(err)
			}
		}
		here[id], all = about, append(all, about)
		return nil
	})
	if err == nil {
		s.known = here
	}
	return all, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s *Store) read(ctx context.Context, id string) (about About, err error) {
	text, err := s.blobs.Read(ctx, abouts+id, mostAbout)
	if err != nil {
		return about, err
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return about, fmt.Errorf("upload %s: %w", id, err)
	}
	return about, nil
}

// isID is what IDs look like. Others name nothing, and are no part of a path.
var isID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func unknown(id string) error { return fmt.Errorf("upload %.80q: %w", id, catalog.ErrNotFound) }

// Find returns an upload. catalog.ErrNotFound for one of another collection, too, and for
// one whose time is over.
func (s *Store) Find(ctx context.Context, collection, id string) (Upload, error) {
	if !isID.MatchString(id) {
		return Upload{}, unknown(id)
	}
	u, err := s.find(ctx, id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Upload{}, unknown(id)
	case err != nil:
		return Upload{}, err
	case u.Collection != collection:
		return Upload{}, unknown(id)
	}
	if time.Now().After(u.Expires()) {
		if used, err := s.isUsed(ctx, id); err != nil || !used {
			return Upload{}, errors.Join(unknown(id), err)
		}
	}
	return u, nil
}

func (s *Store) find(ctx context.Context, id string) (Upload, error) {
	about, err := s.read(ctx, id)
	if err != nil {
		return Upload{}, err
	}
	written, err := s.blobs.Modified(ctx, abouts+id)
	if err != nil {
		return Upload{}, err
	}
	var files []blob.File
	err = s.blobs.Walk(ctx, parts+id+"/", func(file blob.File) error { files = append(files, file); return nil })
	return assemble(about, written, files), err
}

// Append adds what body holds behind what has arrived, up to the size of the upload, and
// returns how much of it is kept, also beside an error.
func (s *Store) Append(ctx context.Context, u *Upload, body io.Reader) (kept int64, err error) {
	content := bufio.NewReaderSize(body, 1<<16)
	for !u.Finished() {
		if _, err := content.Peek(1); errors.Is(err, io.EOF) {
			return kept, nil
		} else if err != nil {
			return kept, err
		}
		n, err := s.appendPart(ctx, u, content)
		kept += n
		if err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// appendPart keeps what comes before an error of content.
func (s *Store) appendPart(ctx context.Context, u *Upload, content io.Reader) (int64, error) {
	most := min(partBytes, u.Size-u.Offset)
	if err := s.room(most); err != nil {
		return 0, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	name := partName(u.ID, u.Offset)
	file, err := s.blobs.Create(inner, name)
	if err != nil {
		return 0, err
	}
	source := &remembering{Reader: content}
	n, err := io.Copy(file, io.LimitReader(source, most))
	if err != nil && source.failed == nil || n == 0 { // the store has failed, or there is nothing
		cancel()
		_ = file.Close() // it is not kept
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, fmt.Errorf("keep a part of an upload: %w", err)
	}
	u.parts = append(u.parts, blob.File{Name: name, Size: n, Modified: time.Now()})
	u.Offset, u.Touched = u.Offset+n, time.Now()
	return n, source.failed
}

// remembering tells errors of reading from those of writing.
type remembering struct {
	io.Reader
	failed error
}

// Read implements io.Reader.
func (r *remembering) Read(into []byte) (int, error) {
	n, err := r.Reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return n, err
}

// Delete removes an upload of a collection.
func (s *Store) Delete(ctx context.Context, collection, id string) error {
	if _, err := s.Find(ctx, collection, id); err != nil {
		return err
	}
	return s.remove(ctx, id)
}

// remove deletes what is known of it first: from then on it does not exist.
func (s *Store) remove(ctx context.Context, id string) error {
	if err := s.blobs.Delete(ctx, abouts+id); err != nil {
		return err
	}
	return errors.Join(s.removeAll(ctx, parts+id+"/"), s.removeAll(ctx, uses+id+"/"))
}

func (s *Store) removeAll(ctx context.Context, prefix string) error {
	return s.blobs.Walk(ctx, prefix, func(file blob.File) error { return s.blobs.Delete(ctx, file.Name) })
}

// Open reads an upload of a collection that is finished. catalog.ErrConflict for one that
// is not.
func (s *Store) Open(ctx context.Context, collection, id string) (blob.Reader, error) {
	u, err := s.Find(ctx, collection, id)
	if err != nil {
		return nil, err
	}
	if !u.Finished() {
		return nil, catalog.Conflict("upload %s has %d of its %d bytes: send the rest first", id, u.Offset, u.Size)
	}
	return &joined{ctx: ctx, blobs: s.blobs, upload: u}, nil
}
