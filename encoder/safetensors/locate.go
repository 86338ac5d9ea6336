package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// locate finds a regular file in the directory, with its links resolved where
// the Index follows links.
func (x *Index) locate(name string) (located, error) {
	if !filepath.IsLocal(name) || filepath.Base(name) != name {
		return located{}, errors.New("lies outside the model directory, which is refused")
	}
	path := filepath.Join(x.Dir, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return located{}, errors.New("is missing")
	}
	if err != nil {
		return located{}, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		path, err = x.follow(path)
		if err != nil {
			return located{}, err
		}
		if info, err = os.Lstat(path); err != nil {
			return located{}, err
		}
	}
	if !info.Mode().IsRegular() {
		return located{}, errors.New("is no regular file")
	}
	return located{path, info}, nil
}

// follow returns the file that a symbolic link leads to.
func (x *Index) follow(path string) (string, error) {
	if x.root == "" {
		return "", errors.New("is a symbolic link, which is refused: copy the file it points to in its place (`hf download` with --local-dir makes no links)")
	}
	root, err := filepath.EvalSymlinks(x.root)
	if err != nil {
		return "", err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("is a symbolic link that leads nowhere: %w", err)
	}
	inside, err := filepath.Rel(root, target)
	if err != nil || !filepath.IsLocal(inside) {
		return "", fmt.Errorf("is a symbolic link that leads out of %s, which is refused", x.root)
	}
	return target, nil
}

// open opens the file if it is still the one that was found.
func (f located) open() (*os.File, error) {
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	info, err := opened.Stat()
	if err == nil && (!os.SameFile(info, f.info) || info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime())) {
		err = errors.New("was changed since it was checked")
	}
	if err != nil {
		opened.Close()
		return nil, err
	}
	return opened, nil
}
