package source

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"polylens/internal/text"
)

// looseNames finds the entries of a manifest whose file_name is written otherwise than
// the picture's name: in another case, another Unicode form or with other slashes. It is
// filled when the first picture has no entry of exactly its name.
type looseNames struct {
	keys  map[string][]string // keys of the manifest's entries by loose form
	taken map[string]string   // the picture that an entry was taken for, by key
	told  int
}

// mostAlike is how many entries of one loose form are told apart by the files that there
// are. More than that are never meant.
const mostAlike = 16

// mostTold bounds the names of one manifest that are told of one by one.
const mostTold = 100

// looseForm is equal for names that differ only in case, Unicode form or slashes. Case
// is taken character by character, as file systems do.
func looseForm(name string) string {
	return path.Clean(looseName(strings.ReplaceAll(name, `\`, "/")))
}

// looseName is looseForm for a name without slashes.
func looseName(name string) string {
	return text.NFC(strings.ToLower(strings.ToUpper(text.NFC(name))))
}

// siblings are the names in one folder that have the same loose form as another one, by
// that form.
type siblings map[string][]string

// siblingsOf needs the entries of the folder of that name.
func siblingsOf(folder string, entries []fs.DirEntry) siblings {
	all := make(siblings)
	for _, entry := range entries {
		if name := path.Join(folder, entry.Name()); !entry.IsDir() {
			form := looseForm(name)
			all[form] = append(all[form], name)
		}
	}
	for form, names := range all {
		if len(names) == 1 {
			delete(all, form)
		}
	}
	return all
}

// entryOf is what a manifest says of a picture: the entry of exactly its name, or else
// the only one that differs from it in case, Unicode form or slashes and can mean no
// other picture. The visitor is told of every difference.
func (w *walker) entryOf(m manifest, name string, siblings siblings) (manifestEntry, bool) {
	below := name
	if m.folder != "." {
		below = strings.TrimPrefix(name, m.folder+"/")
	}
	if entry, ok := m.entries[below]; ok {
		m.matched[below] = true
		return entry, true
	}
	keys, exact := w.looseKeys(m, name, below)
	if len(keys) == 0 {
		if exact != "" && text.NFC(exact) == text.NFC(below) {
			w.tellForm(m, m.entries[exact], "names that very file, and not "+quoted(below)+", which looks the same")
		}
		return manifestEntry{}, false
	}
	for _, key := range keys { // of which at least a problem tells
		m.matched[key] = true
	}
	entry := m.entries[keys[0]]
	var problem string
	rivals := siblings[looseForm(name)]
	switch other := m.loose.taken[keys[0]]; {
	case len(keys) > 1:
		problem = "could mean " + quoted(below) + ", and so could " + quoted(m.entries[keys[1]].name) + " in " + m.entries[keys[1]].place
	case len(rivals) > 1:
		problem = "could mean " + quoted(path.Base(rivals[0])) + " or " + quoted(path.Base(rivals[1])) + ": neither has its metadata"
	case other != "" && other != below:
		problem = "was taken for " + quoted(other) + ", but could mean " + quoted(below) + " as well"
	default:
		m.loose.taken[keys[0]] = below
		w.tellForm(m, entry, "is taken for the picture "+quoted(below)+", which is written otherwise ("+difference(entry.name, below)+")")
		return entry, true
	}
	w.tellForm(m, entry, problem)
	return manifestEntry{}, false
}

// looseKeys returns the keys of entries that may mean a picture. exact is one whose
// file exists under exactly its name and is another.
func (w *walker) looseKeys(m manifest, name, below string) (keys []string, exact string) {
	alike := m.likeNames(below)
	if len(alike) > mostAlike {
		return alike[:2], ""
	}
	for _, key := range alike {
		if w.isAnother(path.Join(m.folder, key), name) {
			exact = key
			continue
		}
		keys = append(keys, key)
	}
	return keys, exact
}

// likeNames are the keys of the entries whose name has the loose form of this one.
func (m manifest) likeNames(name string) []string {
	if m.loose.keys == nil {
		m.loose.keys, m.loose.taken = make(map[string][]string), make(map[string]string)
		for _, key := range slices.Sorted(maps.Keys(m.entries)) {
			form := looseForm(key)
			m.loose.keys[form] = append(m.loose.keys[form], key)
		}
	}
	return m.loose.keys[looseForm(name)]
}

// isAnother reports whether there is a file of exactly the first name that is not the
// second. Some file systems find one file under both names.
func (w *walker) isAnother(name, picture string) bool {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return false
	}
	one, err := w.stat(name)
	if err != nil {
		return false
	}
	other, err := w.stat(picture)
	return err == nil && !os.SameFile(one, other)
}

// tellForm tells of a name that is written otherwise.
func (w *walker) tellForm(m manifest, entry manifestEntry, says string) {
	m.loose.told++
	switch {
	case m.loose.told <= mostTold:
		w.problem(Problem{URI: m.uri + "#" + entry.place, Kind: ProblemSidecar, Err: fmt.Errorf("its %s %s %s", fileNameKey, quoted(entry.name), says)})
	case m.loose.told == mostTold+1:
		w.problem(Problem{URI: m.uri, Kind: ProblemSidecar, Err: fmt.Errorf("more of its lines name pictures otherwise than the files are called; the first %d are listed", mostTold)})
	}
}

// quoted shows the difference between names that look the same.
func quoted(name string) string {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	if text.NFC(name) != name {
		return fmt.Sprintf("%+q", name)
	}
	return fmt.Sprintf("%q", name)
}

// difference says in what two names of one loose form differ.
func difference(a, b string) string {
	var kinds []string
	slashed := func(name string) string { return path.Clean(strings.ReplaceAll(name, `\`, "/")) }
	if a != slashed(a) || b != slashed(b) {
		kinds = append(kinds, "slashes")
	}
	if a, b = slashed(a), slashed(b); text.NFC(a) != text.NFC(b) {
		kinds = append(kinds, "case")
	}
	if text.NFC(a) != a || text.NFC(b) != b {
		kinds = append(kinds, "Unicode form")
	}
	return strings.Join(kinds, ", ")
}

// tellSidecarForm tells of a sidecar whose name has another Unicode form than its picture's.
func (w *walker) tellSidecarForm(picture, sidecar string) {
	base := path.Base(picture)
	stem := strings.TrimSuffix(base, path.Ext(base))
	if strings.HasPrefix(strings.ToLower(sidecar), strings.ToLower(stem)) {
		return
	}
	err := errors.New("it is taken for the picture " + quoted(base) + ", whose name has another Unicode form")
	w.problem(Problem{URI: w.uri(path.Join(path.Dir(picture), sidecar)), Kind: ProblemSidecar, Err: err})
}
