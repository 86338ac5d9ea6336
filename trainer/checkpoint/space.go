package checkpoint

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"polylens/internal/disk"
)

// SpaceError says that a disk has no room for what is to be written.
type SpaceError struct {
	Folder string
	Needed int64 // bytes, in all
	Free   int64 // bytes, as far as the system says; -1 where it does not
	Err    error // what writing ended with; nil where it was not begun
}

func (e *SpaceError) Error() string {
	text := fmt.Sprintf("%d bytes (%.1f MB) are needed in %s", e.Needed, float64(e.Needed)/1e6, e.Folder)
	if e.Free >= 0 {
		text += fmt.Sprintf(", where %d bytes (%.1f MB) are free", e.Free, float64(e.Free)/1e6)
	}
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text + ": make room there, or name a folder on another disk"
}

// Is lets errors.Is find disk.ErrFull.
func (e *SpaceError) Is(target error) bool { return target == disk.ErrFull }

func (e *SpaceError) Unwrap() error { return e.Err }

// spare is left free on the disk, in bytes: for folders, manifests and logs.
const spare = 1 << 20

// CheckSpace fails with a SpaceError if a folder, which need not exist yet, has no
// room for so many bytes.
func CheckSpace(folder string, needed int64) error {
	if free := freeSpace(folder); free >= 0 && needed+spare > free {
		return &SpaceError{Folder: folder, Needed: needed, Free: free}
	}
	return nil
}

// CheckSpace does so for a checkpoint of a state, long before one is written.
func (f Folder) CheckSpace(state []Section) error {
	needed, err := stateBytes(state)
	if err != nil {
		return err
	}
	return CheckSpace(f.Path, needed)
}

// freeSpace is that of a folder's disk, or -1 where the system does not say.
func freeSpace(folder string) int64 {
	free, err := disk.Free(folder)
	if err != nil {
		return -1
	}
	return int64(min(free, math.MaxInt64))
}

// explainSpace says how much is needed where writing ended for lack of room.
func explainSpace(err error, folder string, needed int64) error {
	for _, full := range []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} {
		if errors.Is(err, full) {
			return &SpaceError{Folder: folder, Needed: needed, Free: freeSpace(folder), Err: err}
		}
	}
	return err
}
