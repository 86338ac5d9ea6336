package safetensors

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"polylens/internal/ordinary"
)

// locate finds a regular file in the directory. Links are refused.
func (x *Index) locate(name string) (located, error) {
	if !filepath.IsLocal(name) || filepath.Base(name) != name {
		return located{}, errors.New("lies outside the model directory, which is refused")
	}
	path := filepath.Join(x.Dir, name)
	info, err := ordinary.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return located{}, errors.New("is missing")
	}
	if err != nil {
		return located{}, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return located{}, errors.New("is a symbolic link, which is refused: copy the file it points to in its place (`hf download` with --local-dir makes no links)")
	}
	if !info.Mode().IsRegular() {
		return located{}, errors.New("is no regular file")
	}
	return located{path, info}, nil
}

// open opens the file if it is still the one that was found.
func (f located) open() (*ordinary.File, error) {
	opened, err := ordinary.Open(f.path)
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
