package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Directory is a folder of the local file system with everything below it.
//
// Files whose name begins with a dot are skipped. A symbolic link to a file
// inside the folder counts as a picture of its own; one that leads outside is
// a problem, one to a folder is skipped. Metadata is read from
// metadata.jsonl or metadata.csv (Hugging Face's imagefolder convention:
// file_name relative to that file), then from NAME.EXT.json or NAME.json
// beside the picture; the nearer one wins, key by key.
type Directory struct {
	path string // absolute
}

// NewDirectory takes the path of an existing folder.
func NewDirectory(folder string) (*Directory, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", folder, err)
	}
	info, err := os.Stat(absolute)
	if err != nil {
		return nil, fmt.Errorf("folder %s cannot be read: %w", folder, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, not a folder", folder)
	}
	return &Directory{path: absolute}, nil
}

// Name is the folder's file URI.
func (d *Directory) Name() string { return fileURI(d.path) }

// Count implements Source.
func (d *Directory) Count(ctx context.Context) (int, error) {
	count := 0
	err := d.walk(ctx, walker{
		item:    func(Item) error { count++; return nil },
		problem: func(Problem) {},
	})
	return count, err
}

// Walk implements Source. The order is that of file names, folder by folder.
func (d *Directory) Walk(ctx context.Context, item func(Item) error, problem func(Problem)) error {
	return d.walk(ctx, walker{item: item, problem: problem, sidecars: true})
}

func (d *Directory) walk(ctx context.Context, w walker) error {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return fmt.Errorf("folder %s cannot be read: %w", d.path, err)
	}
	defer root.Close()
	w.ctx, w.base, w.root = ctx, d.path, root
	entries, err := w.readDir(".")
	if err != nil {
		return fmt.Errorf("folder %s cannot be read: %w", d.path, err)
	}
	return w.folder(".", entries, nil)
}

// walker is one walk in progress. All names it handles are slash-separated
// and relative to the root, through which alone it touches files.
type walker struct {
	ctx      context.Context
	base     string
	root     *os.Root
	sidecars bool
	item     func(Item) error
	problem  func(Problem)
}

func (w *walker) readDir(name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(w.root.FS(), name) // sorted by name
}

func (w *walker) uri(name string) string {
	return fileURI(filepath.Join(w.base, filepath.FromSlash(name)))
}

func (w *walker) folder(folder string, entries []fs.DirEntry, manifests []manifest) error {
	var names map[string]bool
	var alike siblings
	if w.sidecars {
		names = sidecarNames(entries)
		if manifests = w.addManifests(folder, names, manifests); len(manifests) > 0 {
			alike = siblingsOf(folder, entries)
		}
	}
	for _, entry := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		name := path.Join(folder, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			inside, err := w.readDir(name)
			if err != nil {
				w.problem(Problem{URI: w.uri(name), Kind: ProblemFolder, Err: plain(err)})
				continue
			}
			if err := w.folder(name, inside, manifests); err != nil {
				return err
			}
		case IsPicture(name):
			if err := w.picture(name, entry, alike, names, manifests); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) picture(name string, entry fs.DirEntry, alike siblings, names map[string]bool, manifests []manifest) error {
	info, err := w.root.Stat(name) // follows links, but never out of the root
	if errors.Is(err, fs.ErrNotExist) && entry.Type()&fs.ModeSymlink == 0 {
		return nil // deleted a moment ago
	}
	uri := w.uri(name)
	if err != nil {
		if entry.Type()&fs.ModeSymlink != 0 {
			err = fmt.Errorf("the symbolic link leads nowhere or out of the folder: %w", plain(err))
		}
		w.problem(Problem{URI: uri, Err: plain(err)})
		return nil
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	if len(uri) > maxURI {
		w.problem(Problem{URI: uri[:maxURI], Err: fmt.Errorf("its path has %d characters as a URI, at most %d are allowed", len(uri), maxURI)})
		return nil
	}
	item := Item{
		URI:      uri,
		Path:     filepath.Join(w.base, filepath.FromSlash(name)),
		Size:     info.Size(),
		Modified: info.ModTime(),
		Changed:  changed(info),
	}
	if w.sidecars {
		item.Sidecar = w.sidecar(name, alike, names, manifests)
	}
	return w.item(item)
}

// maxURI keeps URIs within what a Postgres index entry may hold.
const maxURI = 2048

var pictureExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".png": true, ".gif": true,
	".webp": true, ".bmp": true, ".tif": true, ".tiff": true,
}

// IsPicture reports, by its extension, whether a file may be a picture. What it
// really is comes out when it is decoded.
func IsPicture(name string) bool {
	return pictureExtensions[strings.ToLower(path.Ext(name))]
}

// plain strips the path that fs errors carry: the problem's URI names it.
func plain(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
