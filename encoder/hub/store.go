package hub

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"polylens/encoder/siglip2"
	"polylens/internal/text"
)

// Store is the two folders in which models are looked for.
type Store struct {
	Models string // the models folder of Polylens
	Cache  string // the Hugging Face cache, which is only read; empty for none
}

// ErrUnknownModel is returned, wrapped, for a model that Find does not find.
var ErrUnknownModel = errors.New("there is no model")

// Find returns the directory of a model: the bundled one, unpacked, for its
// name; a path to a model directory; a name below the models folder; or a name
// in the Hugging Face cache. The last two may pin a revision, as name@revision.
func (s Store) Find(model string) (string, error) {
	if model == BundledName {
		return Bundled(s.Models)
	}
	if IsPath(model) {
		return s.directory(model)
	}
	reference, err := ParseReference(model)
	if err != nil {
		return s.findLocal(model)
	}
	dir, err := s.installed(reference)
	if err == nil || !errors.Is(err, ErrUnknownModel) {
		return dir, err
	}
	if snapshot, ok := s.snapshot(reference); ok {
		return s.view(snapshot)
	}
	return "", err
}

// FindMoved is Find, also of what lay in the models of a data folder that has been
// moved since it was named by its path: an adapter's base, or the model in use.
func (s Store) FindMoved(model string) (string, error) {
	dir, err := s.Find(model)
	if !errors.Is(err, ErrUnknownModel) || !filepath.IsAbs(model) {
		return dir, err
	}
	folder := "/" + filepath.Base(s.Models) + "/"
	at := strings.LastIndex(model, folder)
	if at < 0 {
		return dir, err
	}
	if moved, movedErr := s.Find(model[at+len(folder):]); movedErr == nil {
		return moved, nil
	}
	return dir, err
}

// IsPath reports whether a model is named by the path of its directory, which is that
// of a model.
func IsPath(model string) bool { return model != "" && model != BundledName && isModel(model) }

// directory is a model directory that the user named by its path. Files of the
// Hugging Face cache are links, which the view of a snapshot resolves.
func (s Store) directory(path string) (string, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if snapshot, ok := snapshotAt(dir); ok {
		return s.view(snapshot)
	}
	return dir, nil
}

// findLocal is a folder below the models folder whose name the hub would not take.
func (s Store) findLocal(model string) (string, error) {
	dir := filepath.Join(s.Models, filepath.FromSlash(model))
	if filepath.IsLocal(model) && isModel(dir) {
		return filepath.Abs(dir)
	}
	return "", s.unknown(model)
}

func (s Store) installed(reference Reference) (string, error) {
	dir, err := filepath.Abs(filepath.Join(s.Models, filepath.FromSlash(reference.Name)))
	if err != nil {
		return "", err
	}
	if !isModel(dir) {
		return "", s.unknown(reference.String())
	}
	if reference.Revision == "" {
		return dir, nil
	}
	manifest, err := ReadManifest(dir)
	if errors.Is(err, ErrNoManifest) || err == nil && !manifest.isAt(reference.Revision) {
		return "", fmt.Errorf("%w (the revision in %s is %q)", s.unknown(reference.String()), s.Models, manifest.Revision)
	}
	return dir, err
}

// isAt reports whether a revision, by commit, the beginning of one, branch or
// tag, is the one that the manifest stamps.
func (m Manifest) isAt(revision string) bool {
	return revision == m.Requested || len(revision) >= 7 && strings.HasPrefix(m.Revision, revision)
}

func (s Store) unknown(model string) error {
	remedy := "`polylens model list` shows the models that are here"
	if reference, err := ParseReference(model); err == nil && strings.Contains(reference.Name, "/") {
		remedy = fmt.Sprintf("`polylens model pull %s` fetches it, ", reference) + remedy
	}
	return fmt.Errorf("%w %q: neither a directory with a %s nor one of the models in %s: %s",
		ErrUnknownModel, model, siglip2.ConfigFile, s.Models, remedy)
}

// List describes the models below the models folder, the bundled one, which it
// unpacks, and those of the Hugging Face cache that Polylens can read, sorted
// by name. A model that cannot be used is listed with its Problem.
func (s Store) List() ([]Info, error) {
	if _, err := Bundled(s.Models); err != nil && !errors.Is(err, ErrNotBundled) {
		return nil, err
	}
	var list []Info
	taken := map[string]bool{}
	for _, pattern := range []string{"*", "*/*"} { // name and owner/name
		dirs, err := filepath.Glob(filepath.Join(text.QuoteGlob(s.Models), pattern))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			list = append(list, s.describeListed(dir)...)
		}
	}
	for _, info := range list {
		taken[info.Name] = true
	}
	s.removeStaleViews()
	for _, snapshot := range s.snapshots() {
		if !taken[snapshot.Name] {
			list = append(list, s.describeSnapshot(snapshot))
		}
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// describeListed skips hidden folders, in which pulling and unpacking work.
func (s Store) describeListed(dir string) []Info {
	relative, err := filepath.Rel(s.Models, dir)
	name := filepath.ToSlash(relative)
	if err != nil || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || !isModel(dir) {
		return nil
	}
	return []Info{describeOrSay(name, dir)}
}

func describeOrSay(name, dir string) Info {
	info, err := Describe(name, dir)
	if err != nil {
		return Info{Name: name, Dir: dir, Problem: err.Error()}
	}
	return info
}

// Describe finds a model and describes it.
func (s Store) Describe(model string) (Info, error) {
	dir, err := s.Find(model)
	if err != nil {
		return Info{}, err
	}
	info, err := Describe(s.nameOf(dir), dir)
	if cached, ok := s.snapshotOf(dir); ok {
		info.Name, info.Revision, info.Cached = cached.Name, cached.Commit, true
	}
	return info, err
}

// nameOf is the name of a directory below the models folder, or the path of
// one elsewhere.
func (s Store) nameOf(dir string) string {
	models, err := filepath.Abs(s.Models)
	if err != nil {
		return dir
	}
	if name, err := filepath.Rel(models, dir); err == nil && filepath.IsLocal(name) {
		return filepath.ToSlash(name)
	}
	return dir
}
