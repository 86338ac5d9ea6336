package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"polylens/internal/replace"

	"polylens/internal/ordinary"
	"polylens/internal/text"
)

// views is the folder below the models folder that holds a directory for each
// snapshot of the Hugging Face cache in use.
const views = ".views"

// view makes a model directory of a snapshot: a folder of hard links to its
// blobs, whole or not at all. The snapshot itself will not do, because ONNX
// Runtime refuses weights that a link leads out of the model's folder; a copy
// would take the space twice. The cache may be cleared while a view is in use.
func (s Store) view(found snapshot) (string, error) {
	dir, err := filepath.Abs(filepath.Join(s.Models, views, folderName(found.Name), found.Commit))
	if err != nil {
		return "", err
	}
	files, err := found.wanted()
	if err != nil {
		return "", fmt.Errorf("model %s in the Hugging Face cache: %w", found.Name, err)
	}
	if found.shows(dir, files) {
		return dir, nil
	}
	if err := found.makeView(dir, files); err != nil && !found.shows(dir, files) { // another process may have been faster
		return "", found.errNoView(err)
	}
	return dir, nil
}

// wanted lists the files that a view shows.
func (s snapshot) wanted() ([]remoteFile, error) {
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	chosen, err := choose(files, "")
	if err != nil {
		return nil, fmt.Errorf("%s %w", s.dir(), err)
	}
	return chosen, nil
}

// shows reports whether every file of a view is still the one in the cache.
func (s snapshot) shows(dir string, files []remoteFile) bool {
	for _, file := range files {
		path, err := s.real(file.Name)
		if err != nil {
			return false
		}
		blob, err := ordinary.Stat(path)
		if err != nil {
			return false
		}
		shown, err := ordinary.Lstat(filepath.Join(dir, filepath.FromSlash(file.Name)))
		if err != nil || !os.SameFile(blob, shown) {
			return false
		}
	}
	return true
}

func (s snapshot) makeView(dir string, files []remoteFile) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	return replace.Directory(dir, 0o755, func(fresh string) error {
		for _, file := range files {
			path, err := s.real(file.Name)
			if err != nil {
				return err
			}
			if err := link(path, filepath.Join(fresh, filepath.FromSlash(file.Name))); err != nil {
				return err
			}
		}
		return nil
	})
}

// link makes a hard link and the folders above it.
func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Link(from, to)
}

// describeSnapshot describes a model of the cache by its view.
func (s Store) describeSnapshot(found snapshot) Info {
	dir, err := s.view(found)
	if err != nil {
		return Info{Name: found.Name, Dir: found.dir(), Revision: found.Commit, Cached: true, Problem: err.Error()}
	}
	info := describeOrSay(found.Name, dir)
	info.Revision, info.Cached = found.Commit, true
	return info
}

// removeStaleViews lets go of what has been cleared from the cache, so that
// its space is free.
func (s Store) removeStaleViews() {
	if s.Cache == "" {
		return
	}
	shown, _ := filepath.Glob(filepath.Join(text.QuoteGlob(s.Models), views, "*", "*")) // the pattern is sound
	for _, dir := range shown {
		repo := filepath.Join(s.Cache, cachePrefix+filepath.Base(filepath.Dir(dir)))
		_, err := ordinary.Stat(filepath.Join(repo, cacheSnapshots, filepath.Base(dir)))
		if errors.Is(err, fs.ErrNotExist) {
			os.RemoveAll(dir)
			os.Remove(filepath.Dir(dir)) // fails unless it was the last
		}
	}
}

// snapshotOf is the snapshot that a view shows.
func (s Store) snapshotOf(view string) (snapshot, bool) {
	folder, err := filepath.Abs(filepath.Join(s.Models, views))
	if err != nil || s.Cache == "" || filepath.Dir(filepath.Dir(view)) != folder {
		return snapshot{}, false
	}
	repo := filepath.Join(s.Cache, cachePrefix+filepath.Base(filepath.Dir(view)))
	return snapshotAt(filepath.Join(repo, cacheSnapshots, filepath.Base(view)))
}

// MayHoldLinks reports whether the files of a model directory may have other
// names elsewhere, because the hub has taken them from the Hugging Face cache.
// In any other directory such files are not to be expected.
func MayHoldLinks(dir string) bool {
	return has(dir, ManifestFile) || filepath.Base(filepath.Dir(filepath.Dir(dir))) == views
}
