package lock

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// pause is how long to wait before the lock is tried again.
const pause = 100 * time.Millisecond

// File is a lock that is held.
type File struct{ held *flock.Flock }

// HeldError is returned, wrapped or not, for a lock that somebody else holds.
type HeldError struct {
	Path   string
	Holder string // the note of the holder, without space around it; "" if it left none
}

func (e *HeldError) Error() string {
	if e.Holder == "" {
		return e.Path + " is locked by another process"
	}
	return fmt.Sprintf("%s is locked by process %s", e.Path, e.Holder)
}

// Try takes the lock of the file at path, which it makes if it is missing, or
// fails at once with a HeldError. The note, such as the number of the process,
// is for the HeldError of the others.
func Try(path, note string) (*File, error) {
	if err := check(path); err != nil {
		return nil, err
	}
	file := flock.New(path)
	locked, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !locked {
		holder, _ := os.ReadFile(path)
		return nil, &HeldError{path, strings.TrimSpace(string(holder))}
	}
	if err := os.WriteFile(path, []byte(note+"\n"), 0o600); err != nil { // in place: the lock is of this very file
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &File{file}, nil
}

// Wait takes the lock of the file at path, which it makes if it is missing, as
// soon as nobody else holds it, and fails when ctx ends before that. waiting,
// unless nil, is called once if there is anything to wait for.
func Wait(ctx context.Context, path string, waiting func()) (*File, error) {
	if err := check(path); err != nil {
		return nil, err
	}
	file := flock.New(path)
	locked, err := file.TryLock()
	if err == nil && !locked {
		if waiting != nil {
			waiting()
		}
		_, err = file.TryLockContext(ctx, pause)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &File{file}, nil
}

// check refuses what is there and no file: to open a pipe would wait for its writer.
func check(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("lock %s: it is not an ordinary file: remove it", path)
	}
	return nil
}

// Close gives the lock back. The file stays.
func (f *File) Close() error { return f.held.Close() }
