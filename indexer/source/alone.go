package source

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"polylens/internal/text"
)

// Table is a manifest by itself, as it stands in an archive. Names are compared as they are.
type Table struct {
	entries map[string]manifestEntry
	matched map[string]bool
}

// IsTable reports whether a file is called like a manifest.
func IsTable(name string) bool {
	return slices.Contains([]string{"metadata.jsonl", "metadata.csv", parquetName}, strings.ToLower(path.Base(name)))
}

// ParseTable reads a manifest of at most so many rows, whose name tells its format. problem
// hears of each row that cannot be used.
func ParseTable(ctx context.Context, name string, data []byte, most int, problem func(place string, err error)) (*Table, error) {
	left := room{maxManifest, most}
	t := &Table{matched: make(map[string]bool)}
	var err error
	if strings.EqualFold(path.Base(name), parquetName) {
		t.entries, err = parquetEntries(ctx, bytes.NewReader(data), int64(len(data)), left, problem)
		return t, err
	}
	if data, err = text.Decode(data); err != nil {
		return nil, err
	}
	parse := parseLines
	if strings.EqualFold(path.Ext(name), ".csv") {
		parse = parseTable
	}
	t.entries = parse(data, left, problem)
	return t, nil
}

// Rows is how many pictures the manifest names.
func (t *Table) Rows() int { return len(t.entries) }

// Names are the paths of these, below the folder of the manifest.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.entries)) }

// About is what the manifest says of a picture, by its path below the folder of the
// manifest. Next to a *LostError there is all that can be used.
func (t *Table) About(name string) (about Sidecar, found bool, err error) {
	entry, found := t.entries[name]
	if !found {
		return about, false, nil
	}
	t.matched[name] = true
	about, err = ParseSidecar(entry.data)
	var lost *LostError
	if err != nil && !errors.As(err, &lost) {
		return Sidecar{}, true, err
	}
	delete(about.Metadata, fileNameKey)
	return about, true, err
}

// Unmatched are those of its names that nobody has asked for.
func (t *Table) Unmatched() []string {
	return slices.DeleteFunc(t.Names(), func(name string) bool { return t.matched[name] })
}
