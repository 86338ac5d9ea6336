package replace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// Permissions of files.
const (
	Private fs.FileMode = 0o600
	Shared  fs.FileMode = 0o644
)

// Durable replaces the file at path, or makes it. Its folder must exist. After
// an error before the replacement the old file stands.
func Durable(path string, content []byte, mode fs.FileMode) error {
	return DurableFrom(path, bytes.NewReader(content), mode)
}

// DurableFrom is Durable for content that is too large to be held in memory. An
// error of content is returned, wrapped, and the old file stands.
func DurableFrom(path string, content io.Reader, mode fs.FileMode) error {
	folder := filepath.Dir(path)
	fresh, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithPermissions(mode))
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	defer func() { _ = fresh.Cleanup() }() // no effect once the file is replaced
	if _, err := io.Copy(fresh, content); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if err := fresh.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return SyncFolder(folder)
}

// Volatile replaces the file at path, or makes it, readable by its owner alone.
// Its folder must exist.
func Volatile(path string, content []byte) error {
	// renameio always waits for the disk.
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path))
	if err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	_, err = fresh.Write(content)
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", path, err), os.Remove(fresh.Name()))
	}
	return nil
}

// SyncFolder makes the names in a folder survive a power failure.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("flush %s: %w", path, err)
	}
	return nil
}

// Sweep removes what killed processes have left of replacements of the file at
// path. Nobody may be writing it meanwhile.
func Sweep(path string) error {
	return removeMatching(filepath.Dir(path), func(name string) bool {
		return isNumbered(name, "."+filepath.Base(path))
	})
}

// isNumbered reports whether a name is prefix with a number behind it, as both
// renameio and package os name what is being written.
func isNumbered(name, prefix string) bool {
	number, ok := strings.CutPrefix(name, prefix)
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// removeMatching removes what has such names from a folder, if that is there.
func removeMatching(folder string, matches func(name string) bool) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if matches(entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
		}
	}
	return err
}
