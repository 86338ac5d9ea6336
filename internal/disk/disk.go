package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrFull marks an error whose cause is a disk without room: the same may succeed once
// there is room. FullError is one.
var ErrFull = errors.New("disk full")

// Low is the number of free bytes below which work that writes neither begins nor goes on:
// then there is still room to note why. Milvus begins logs of 64 MiB.
const Low = 128_000_000

// FullError says which disk is full, and how much room is needed.
type FullError struct {
	Folder string // on that disk
	Free   uint64 // bytes
	Needed uint64 // bytes
	Err    error  // what failed for it; nil where nothing was tried
}

// Error implements error. It is one sentence for people.
func (e *FullError) Error() string {
	text := fmt.Sprintf("disk full: %d MB are free in %s, and %d MB are needed; make room there", e.Free/1e6, e.Folder, e.Needed/1e6)
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

// Is lets errors.Is find ErrFull.
func (e *FullError) Is(target error) bool { return target == ErrFull }

func (e *FullError) Unwrap() error { return e.Err }

// IsFull reports whether the cause of an error is a disk, or a quota, without room.
func IsFull(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// Check fails with a FullError when less than so many bytes are free for a folder. A
// system that does not say how much is free has room.
func Check(folder string, needed uint64) error {
	free, err := Free(folder)
	if err != nil || free >= needed {
		return nil
	}
	return &FullError{Folder: folder, Free: free, Needed: needed}
}

// Free returns how many bytes an ordinary user may still write in a folder or, if it
// does not exist yet, in the nearest folder above that does.
func Free(folder string) (uint64, error) {
	at := folder
	for {
		var stat unix.Statfs_t
		err := unix.Statfs(at, &stat)
		if err == nil {
			return uint64(stat.Bavail) * uint64(stat.Bsize), nil // their types differ between systems
		}
		if above := filepath.Dir(at); errors.Is(err, fs.ErrNotExist) && above != at {
			at = above
			continue
		}
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
}

// Explain makes an error a FullError if it is one in essence, or if the disk of a
// folder is all but full, as when a database that failed does not say why.
func Explain(err error, folder string) error { return ExplainBelow(err, folder, Low) }

// ExplainBelow is Explain for a disk that is all but full with less than so many bytes.
func ExplainBelow(err error, folder string, low uint64) error {
	var told *FullError
	if err == nil || errors.As(err, &told) {
		return err
	}
	free, statErr := Free(folder)
	if !IsFull(err) && (statErr != nil || free >= low) {
		return err
	}
	return &FullError{Folder: folder, Free: free, Needed: Low, Err: err}
}
