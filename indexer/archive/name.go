package archive

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"polylens/indexer/metadata"
	"polylens/indexer/source"
)

const maxID = 512 // bytes

var (
	errOutside = errors.New("its name leads out of the archive, or to no place in it: archive the folder from within")
	errControl = errors.New("its name holds characters that cannot be shown: rename it")
	errLength  = errors.New("its name has more than 512 bytes: shorten it")
)

// cleanName is the name of a member as an ID, or an error and what of it can be shown.
func cleanName(name string) (string, error) {
	name = strings.ReplaceAll(name, `\`, "/") // as Windows has it
	for strings.HasPrefix(name, "./") {
		name = name[2:]
	}
	switch {
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }):
		return shownName(name), errControl
	case len(name) > maxID:
		return shownName(name), errLength
	case hasDrive(name), slices.ContainsFunc(strings.Split(name, "/"), isNoPart):
		return shownName(name), errOutside
	}
	return name, nil
}

// hasDrive reports whether Windows takes a name for one on a drive of its own (C:a.jpg).
func hasDrive(name string) bool {
	return len(name) > 1 && name[1] == ':' && (name[0]|' ') >= 'a' && (name[0]|' ') <= 'z'
}

func isNoPart(part string) bool { return part == "" || part == "." || part == ".." }

// shownName makes an ID of any name.
func shownName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, name)
	if len(name) > maxID {
		name = strings.ToValidUTF8(name[:maxID-3], "") + "…"
	}
	if name == "" {
		return "(no name)"
	}
	return name
}

func quoted(name string) string { return strconv.Quote(shownName(name)) }

// kind is what a member is by its name.
type kind int

const (
	otherKind kind = iota
	pictureKind
	jsonKind
	textKind
	tableKind  // of metadata, for all pictures of a folder
	nestedKind // archive
	systemKind // added by a system, for itself
)

func kindOf(name string) kind {
	base := strings.ToLower(path.Base(name))
	switch {
	case strings.HasPrefix(base, "._") || strings.HasPrefix(name, "__MACOSX/"), base == ".ds_store", base == "thumbs.db", base == "desktop.ini":
		return systemKind
	case source.IsPicture(name):
		return pictureKind
	case source.IsTable(base):
		return tableKind
	}
	switch path.Ext(base) {
	case ".json":
		return jsonKind
	case ".txt", ".caption":
		return textKind
	case ".zip", ".tar", ".gz", ".tgz", ".zst", ".xz", ".txz", ".bz2", ".tbz2", ".7z", ".rar":
		return nestedKind
	}
	return otherKind
}

// about is a picture that a description may belong to, by the start of its name.
type about struct{ stem, language string }

// aboutOf lists what a description may be about. Only what stands beside it tells which.
func aboutOf(name string, k kind) []about {
	stem := strings.TrimSuffix(name, path.Ext(name))
	list := []about{{stem, ""}}
	if source.IsPicture(stem) {
		list = append(list, about{stemOf(stem), ""})
	}
	if tag := strings.TrimPrefix(path.Ext(stem), "."); k == textKind && metadata.IsLanguage(tag) {
		bare := stemOf(stem)
		list = append(list, about{bare, tag})
		if source.IsPicture(bare) {
			list = append(list, about{stemOf(bare), tag})
		}
	}
	return list
}

// stemOf is a name up to its last dot.
func stemOf(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }
