package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"polylens/internal/ordinary"
)

// Directory is a folder of the local file system with everything below it.
//
// A file is a picture when its name or its first bytes say so. Rules leave files and
// folders out. A symbolic link to a file inside the folder counts as a picture of its
// own; other links are followed only when the rules say so. Metadata is read from
// metadata.jsonl or metadata.csv (Hugging Face's imagefolder convention:
// file_name relative to that file), then from NAME.EXT.json or NAME.json
// beside the picture; the nearer one wins, key by key.
type Directory struct {
	path  string // absolute
	rules compiledRules
}

// NewDirectory takes the path of an existing folder. Its rules are the zero Rules.
func NewDirectory(folder string) (*Directory, error) { return NewDirectoryWith(folder, Rules{}) }

// NewDirectoryWith takes the path of an existing folder, and what to look at in it.
func NewDirectoryWith(folder string, rules Rules) (*Directory, error) {
	compiled, err := rules.compile()
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", folder, err)
	}
	info, err := ordinary.Stat(absolute)
	if err != nil {
		return nil, fmt.Errorf("folder %s cannot be read: %w", folder, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, not a folder", folder)
	}
	return &Directory{path: absolute, rules: compiled}, nil
}

// Name is the folder's file URI.
func (d *Directory) Name() string { return fileURI(d.path) }

// Path is the absolute path of the folder.
func (d *Directory) Path() string { return d.path }

// Rules say what the walk looks at.
func (d *Directory) Rules() Rules { return d.rules.Rules }

// Open implements Source.
func (d *Directory) Open(ctx context.Context, uri string) (*ordinary.File, error) {
	if d.rules.FollowLinks {
		return OpenFollowing(ctx, d.Name(), uri)
	}
	return Open(ctx, d.Name(), uri)
}

// Count implements Source: pictures by their extension, and files without one.
func (d *Directory) Count(ctx context.Context) (int, error) {
	count := 0
	err := d.walk(ctx, &walker{count: &count})
	return count, err
}

// Walk implements Source. The order is that of file names, folder by folder; folders
// behind links come last.
func (d *Directory) Walk(ctx context.Context, visitor Visitor) error {
	return d.walk(ctx, &walker{visitor: visitor})
}

func (d *Directory) walk(ctx context.Context, w *walker) error {
	opened, err := openFiles(ctx, d.path, d.rules.FollowLinks)
	if err != nil {
		return fmt.Errorf("folder %s cannot be read: %w", d.path, err)
	}
	defer opened.Close()
	return d.walkIn(ctx, w, opened)
}

// walkIn walks the files of the folder.
func (d *Directory) walkIn(ctx context.Context, w *walker, opened files) error {
	w.ctx, w.base, w.files, w.rules = ctx, d.path, opened, d.rules
	entries, self, err := w.readDir(".")
	if err != nil {
		return fmt.Errorf("folder %s cannot be read: %w", d.path, err)
	}
	w.isNew(".")
	w.tellFolder(w.gate(".", self, folderID{}, true))
	root := &place{folder: ".", self: self, included: len(d.rules.include) == 0}
	if err := w.folder(root, entries); err != nil {
		return err
	}
	if err := w.followLinks(); err != nil {
		return err
	}
	return w.flush()
}

// pictureExtensions are those of formats that package decode reads.
var pictureExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".jif": true, ".mpo": true,
	".png": true, ".apng": true, ".gif": true, ".webp": true, ".bmp": true, ".dib": true, ".tif": true, ".tiff": true,
	".heic": true, ".heif": true, ".hif": true, ".avif": true, ".jp2": true, ".j2k": true, ".jpf": true, ".jpx": true,
	".psd": true, ".psb": true, ".ico": true, ".cur": true, ".pbm": true, ".pgm": true, ".ppm": true, ".pnm": true, ".pam": true, ".pfm": true,
	".qoi": true, ".tga": true, ".pcx": true, ".sgi": true, ".dds": true, ".icns": true, ".sun": true, ".ras": true, ".xbm": true, ".xpm": true,
}

// IsPicture reports whether a file calls itself, by its extension, a picture that can be
// read. What it really is comes out when it is decoded.
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
