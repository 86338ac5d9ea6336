package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"polylens/internal/ordinary"
)

// Removal errors.
var (
	ErrBundled = errors.New("is built in and cannot be removed")
	ErrCached  = errors.New("belongs to the Hugging Face cache: remove it with `hf cache rm`")
)

// Removable returns the description of a model that Remove would remove, with the
// space it takes, or why it cannot be removed. It accepts only the name of a model
// below the models folder: no path, not the bundled model, none of the Hugging Face
// cache.
func (s Store) Removable(name string) (Info, error) {
	if name == BundledName {
		return Info{}, fmt.Errorf("%s %w", name, ErrBundled)
	}
	plain := filepath.IsLocal(name) && path.Clean(name) == name && !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.")
	if dir := filepath.Join(s.Models, filepath.FromSlash(name)); plain && isModel(dir) {
		info := describeOrSay(name, dir)
		return info, info.addSize()
	}
	if _, err := ordinary.Stat(s.stagingOf(name)); plain && err == nil {
		info := Info{Name: name, Dir: s.stagingOf(name), Problem: "a pull of it has not ended"}
		return info, info.addSize()
	}
	if reference, err := ParseReference(name); err == nil {
		if _, cached := s.snapshot(reference); cached {
			return Info{}, fmt.Errorf("%s %w", name, ErrCached)
		}
	}
	return Info{}, s.unknown(name)
}

// addSize counts all files of the directory.
func (i *Info) addSize() error {
	i.Bytes = 0
	return filepath.WalkDir(i.Dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			i.Bytes += info.Size()
		}
		return err
	})
}

// Remove removes a model, and what an ended pull has left of it. It touches
// nothing outside the models folder, wherever links in it lead.
func (s Store) Remove(ctx context.Context, name string) error {
	if _, err := s.Removable(name); err != nil {
		return err
	}
	lock, err := s.lock(ctx, name, func() {})
	if err != nil {
		return err
	}
	defer lock.Close()
	root, err := os.OpenRoot(s.Models)
	if err != nil {
		return err
	}
	defer root.Close()
	return removeFrom(root, name)
}

// removeFrom takes the model away under its name at once, then its files.
func removeFrom(root *os.Root, name string) error {
	staging := pulling + "/" + folderName(name)
	if err := root.RemoveAll(staging); err != nil {
		return err
	}
	if err := root.MkdirAll(staging, 0o755); err != nil {
		return err
	}
	if err := root.Rename(name, staging+"/old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	if owner := path.Dir(name); owner != "." {
		_ = root.Remove(owner) // fails unless this was the owner's last model
	}
	return root.RemoveAll(staging)
}
