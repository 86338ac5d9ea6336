package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// walkFolder is Walk for a folder. The library's own list looks at all files again for each
// page of a thousand, and ends where one goes meanwhile that is being written.
func (s *Store) walkFolder(ctx context.Context, prefix string, yield func(File) error) error {
	err := filepath.WalkDir(filepath.Join(s.what, filepath.FromSlash(path.Dir(prefix+"x"))), func(place string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry.IsDir() {
			return unlessGone(err)
		}
		name, err := filepath.Rel(s.what, place)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); !strings.HasPrefix(name, prefix) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return unlessGone(err)
		}
		return yield(File{name, info.Size(), info.ModTime()})
	})
	if err != nil {
		return fmt.Errorf("list %s in %s: %w", prefix, s.what, err)
	}
	return nil
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
