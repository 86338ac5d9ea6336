package source

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"

	"polylens/internal/ordinary"
)

// fileURI gives the file URI (RFC 8089) of an absolute path. Every byte that
// is not allowed in a URI is escaped, so names need not be UTF-8.
func fileURI(absolute string) string {
	return (&url.URL{Scheme: "file", Path: absolute}).String()
}

// filePath is the inverse of fileURI.
func filePath(uri string) (string, error) {
	parsed, err := url.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("URI %.200q: %w", uri, err)
	}
	if parsed.Scheme != "file" || parsed.Host != "" || !filepath.IsAbs(parsed.Path) {
		return "", fmt.Errorf("URI %.200q does not name a local file", uri)
	}
	return parsed.Path, nil
}

// Open opens the file of an item for reading. name is the name of the source
// it was found in: nothing outside of that folder is opened, not even through
// a symbolic link put there since the walk.
func Open(ctx context.Context, name, uri string) (*ordinary.File, error) {
	folder, relative, err := placeBelow(name, uri)
	if err != nil {
		return nil, err
	}
	root, err := ordinary.Root(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("folder of %s: %w", uri, err)
	}
	defer root.Close() // the opened file stays valid
	opened, err := ordinary.In(ctx, root, relative)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", uri, err)
	}
	return opened, nil
}

// OpenFollowing is Open for a source whose rules say that links are followed, wherever
// they lead.
func OpenFollowing(ctx context.Context, name, uri string) (*ordinary.File, error) {
	folder, relative, err := placeBelow(name, uri)
	if err != nil {
		return nil, err
	}
	opened, err := ordinary.OpenContext(ctx, filepath.Join(folder, relative))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", uri, err)
	}
	return opened, nil
}

// placeBelow is the folder of a source, and the path of an item relative to it, of which
// links are not looked at.
func placeBelow(name, uri string) (folder, relative string, err error) {
	if folder, err = filePath(name); err != nil {
		return "", "", err
	}
	file, err := filePath(uri)
	if err != nil {
		return "", "", err
	}
	relative, err = filepath.Rel(folder, file)
	if err != nil || !filepath.IsLocal(relative) {
		return "", "", fmt.Errorf("%s escapes the folder %s", uri, name)
	}
	return folder, relative, nil
}

// Folder is the path of a directory, given the name of its source.
func Folder(name string) (string, error) { return filePath(name) }
