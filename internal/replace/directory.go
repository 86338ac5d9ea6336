package replace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Unfinished begins the names of directories that are being filled or removed.
const Unfinished = ".writing-"

// Directory lets fill write into an empty directory beside target, flushes the
// names in it to the disk and puts it in the place of target, which it replaces
// if it is there. fill sees to it that the files themselves are flushed, as
// Durable does. After an error target is as it was.
//
// Between two renamings target is missing for a moment: a process that is killed
// there leaves no target, so replace only what can be made or fetched again.
func Directory(target string, mode fs.FileMode, fill func(dir string) error) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(target), prefixOf(target)+"*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	fresh := filepath.Join(work, "new")
	if err := os.Mkdir(fresh, mode); err != nil {
		return err
	}
	if err := fill(fresh); err != nil {
		return err
	}
	if err := syncFolders(fresh); err != nil {
		return err
	}
	if err := exchange(target, fresh, filepath.Join(work, "old")); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(target))
}

// exchange puts fresh in the place of target, and target in the place of old.
func exchange(target, fresh, old string) error {
	err := os.Rename(target, old)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, target)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, target); err != nil {
		return errors.Join(err, os.Rename(old, target))
	}
	return nil
}

func syncFolders(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return SyncFolder(path)
	})
}

// RemoveDirectory removes target, which loses its name before any of its
// files, so that no part of it passes for the whole. It needs no room on the
// disk. A target that is not there is no error. Nobody else may be at work on
// it meanwhile.
func RemoveDirectory(target string) error {
	if err := SweepDirectory(target); err != nil {
		return err
	}
	err := os.Rename(target, filepath.Join(filepath.Dir(target), prefixOf(target)+"0"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return SweepDirectory(target)
}

// SweepDirectory removes what killed processes have left of target: what
// Directory and RemoveDirectory were at work on. Nobody may be at work on it
// meanwhile.
func SweepDirectory(target string) error {
	if err := removeMatching(filepath.Dir(target), func(name string) bool { return isNumbered(name, prefixOf(target)) }); err != nil {
		return fmt.Errorf("clear what is left of %s: %w", target, err)
	}
	return nil
}

// SweepDirectories does as SweepDirectory for every directory in a folder,
// whatever its name.
func SweepDirectories(folder string) error {
	return removeMatching(folder, func(name string) bool { return strings.HasPrefix(name, Unfinished) })
}

func prefixOf(target string) string { return Unfinished + filepath.Base(target) + "-" }
