package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Reserve is a file that takes room on a disk for the moment when it is full: to delete
// something takes room, too.
type Reserve struct {
	path  string
	bytes int64
	mu    sync.Mutex // held by the one who makes or spends it
}

// NewReserve is a reserve of so many bytes in a file, which Fill makes.
func NewReserve(path string, bytes int64) *Reserve { return &Reserve{path: path, bytes: bytes} }

// Fill sees to it that the room is taken, unless that would leave less than Low. It is a
// FullError then.
func (r *Reserve) Fill() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fill()
}

func (r *Reserve) fill() error {
	if info, err := os.Lstat(r.path); err == nil && info.Mode().IsRegular() && info.Size() == r.bytes {
		return nil
	}
	if err := r.free(); err != nil {
		return err
	}
	if err := Check(r.path, uint64(r.bytes)+Low); err != nil {
		return err
	}
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("reserve room on the disk: %w", err)
	}
	// What is random takes its room also where the file system would press zeros together.
	_, err = io.CopyN(file, rand.Reader, r.bytes)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("reserve room on the disk: %w", err), r.free())
	}
	return nil
}

// free gives the room back to the disk.
func (r *Reserve) free() error {
	if err := os.Remove(r.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("give back the room that is reserved on the disk: %w", err)
	}
	return nil
}

// Spend does what makes room. When that fails for lack of room it gives back what is
// reserved and does it once more, so do must be something that can be begun again. The
// reserve is made anew afterwards if there is room.
func (r *Reserve) Spend(do func() error) error {
	err := do()
	if !IsFull(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, missing := os.Lstat(r.path); missing != nil {
		return err // it is spent
	}
	if failed := r.free(); failed != nil {
		return errors.Join(err, failed)
	}
	defer func() { _ = r.fill() }() // or later, by Fill
	return do()
}
