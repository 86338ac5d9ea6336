package data

import (
	"context"
	"path/filepath"
	"strings"

	"polylens/indexer/archive"
	"polylens/internal/ordinary"
)

// Open gives the source at a path: a Folder, Shards by the first bytes of a file (tar,
// also packed, and zip) or its ending (.tar), and by the ending of its name a Table
// (.csv, .tsv) or Lines (any other). It reads no more yet;
// the error is that of a path that is not there. A folder is the user's own, of
// which ReadOptions.Anywhere says nothing.
func Open(ctx context.Context, path string, options ReadOptions) (Source, error) {
	info, err := ordinary.StatContext(ctx, path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return Folder{Path: path, Attributes: options.Attributes}, nil
	}
	if info.Mode().IsRegular() {
		head, err := headOf(ctx, path)
		if err != nil {
			return nil, err
		}
		if archive.PackingOf(head) != archive.None || archive.IsTar(head) {
			return Shards{Paths: []string{path}, Options: options}, nil
		}
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv":
		return Table{Path: path, Options: options}, nil
	case ".tar":
		return Shards{Paths: []string{path}, Options: options}, nil
	}
	return Lines{Path: path, Options: options}, nil
}
