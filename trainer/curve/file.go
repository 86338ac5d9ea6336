package curve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"polylens/internal/replace"
)

// file is a file that grows by whole pieces.
type file struct {
	*os.File
	size int64 // of the whole pieces
}

// append adds a piece. After an error, such as a full disk, the file ends where
// it did before, and the next piece may succeed.
func (f *file) append(piece []byte) error {
	if _, err := f.WriteAt(piece, f.size); err != nil {
		return errors.Join(fmt.Errorf("write curve: %w", err), f.Truncate(f.size))
	}
	f.size += int64(len(piece))
	return nil
}

// cut makes the file end at a size.
func (f *file) cut(size int64) error {
	f.size = size
	if err := f.Truncate(size); err != nil {
		return fmt.Errorf("cut curve: %w", err)
	}
	return nil
}

// create opens a file, new if need be, whose name survives a power failure.
func create(path string, flags int) (*file, error) {
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open curve: %w", err)
	}
	if err := replace.SyncFolder(filepath.Dir(path)); err != nil {
		return nil, errors.Join(fmt.Errorf("open curve: %w", err), opened.Close())
	}
	return &file{File: opened}, nil
}
