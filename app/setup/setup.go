package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrMissing is returned, wrapped, for an item that is neither in the cache nor
// where the user says; the message says how to get it.
var ErrMissing = errors.New("not set up")

// ErrUnsupported is returned, wrapped, for an item that has no package for this
// kind of machine.
var ErrUnsupported = errors.New("no package for this kind of machine")

// Options say where setup looks and works.
type Options struct {
	Cache string // folder for everything fetched: created if missing
	From  string // folder with packages fetched before, "" without one
	// Given maps an item's name to the user's own copy: it is used as it is and
	// nothing is fetched.
	Given    map[string]string
	Progress func(Event) // nil: silent; called from one goroutine at a time
}

// Setup provides the items of the pinned table. It holds nothing open, and
// several of them, also in several processes, may work on one cache.
type Setup struct {
	options Options
	items   []Item
}

// New checks nothing and touches nothing.
func New(options Options) *Setup {
	if options.Progress == nil {
		options.Progress = func(Event) {}
	}
	return &Setup{options: options, items: Items()}
}

// Ready is an item that can be used.
type Ready struct {
	Item    string        `json:"item"`
	Version string        `json:"version"`
	Path    string        `json:"path"`
	Env     string        `json:"env"`
	Source  string        `json:"source"` // "given", "cache" or "fetched"
	Took    time.Duration `json:"-"`
}

// Sources of a Ready item.
const (
	SourceGiven   = "given"
	SourceCache   = "cache"
	SourceFetched = "fetched"
)

// Default names the items for ordinary use, or with tests all of them.
func Default(tests bool) []string {
	var names []string
	for _, item := range Items() {
		if !item.ForTest || tests {
			names = append(names, item.Name)
		}
	}
	return names
}

// Find is the item called name.
func (s *Setup) Find(name string) (Item, error) {
	var names []string
	for _, item := range s.items {
		if item.Name == name {
			return item, nil
		}
		names = append(names, item.Name)
	}
	return Item{}, fmt.Errorf("no item %q: there are %s", name, strings.Join(names, ", "))
}

// Status finds an item without fetching it. The error is ErrMissing or
// ErrUnsupported, wrapped, or says what is wrong with the given copy.
func (s *Setup) Status(name string) (Ready, error) {
	item, err := s.Find(name)
	if err != nil {
		return Ready{}, err
	}
	ready := Ready{Item: item.Name, Version: item.Version, Env: item.Env}
	if given := s.options.Given[name]; given != "" {
		ready.Path, ready.Source = given, SourceGiven
		return ready, checkGiven(item, given)
	}
	pkg, ok := item.Package()
	if !ok {
		return Ready{}, fmt.Errorf("%s: %w; %s", item.Name, ErrUnsupported, item.ownCopy())
	}
	folder := s.folder(item, pkg)
	if err := checkStamp(folder); err != nil {
		return Ready{}, fmt.Errorf("%s %s is %w (%v): run \"polylens setup\"; %s",
			item.Name, item.Version, ErrMissing, err, item.ownCopy())
	}
	ready.Path, ready.Source = filepath.Join(folder, item.Entry), SourceCache
	return ready, nil
}

// Ensure provides the items, in the order given, fetching what is missing. An
// optional item that is not available is left out, and an event says why.
// It may be interrupted at any moment and called again: what is complete stays,
// what is not is done again.
func (s *Setup) Ensure(ctx context.Context, names ...string) ([]Ready, error) {
	ready := make([]Ready, 0, len(names))
	for _, name := range names {
		one, err := s.ensure(ctx, name)
		if err != nil && ctx.Err() == nil && s.optional(name) {
			s.options.Progress(Event{Item: name, Stage: StageSkipped, Err: err})
			continue
		}
		if err != nil {
			return ready, fmt.Errorf("setup: %w", err)
		}
		s.options.Progress(Event{Item: name, Stage: StageReady, Path: one.Path, Source: one.Source, Elapsed: one.Took})
		ready = append(ready, one)
	}
	return ready, nil
}

// optional reports whether Polylens works without the item. A copy that the user
// named is used, or its fault is reported.
func (s *Setup) optional(name string) bool {
	item, err := s.Find(name)
	return err == nil && item.Optional && s.options.Given[name] == ""
}

func (s *Setup) ensure(ctx context.Context, name string) (Ready, error) {
	start := time.Now()
	ready, err := s.Status(name)
	if errors.Is(err, ErrMissing) {
		if err = s.install(ctx, name); err == nil {
			ready, err = s.Status(name)
			ready.Source = SourceFetched
		}
	}
	if err != nil {
		return Ready{}, err
	}
	ready.Took = time.Since(start)
	return ready, nil
}

// install fetches and unpacks one item while it holds the item's lock.
func (s *Setup) install(ctx context.Context, name string) error {
	item, err := s.Find(name)
	if err != nil {
		return err
	}
	needs := ""
	if item.Needs != "" {
		ready, err := s.ensure(ctx, item.Needs)
		if err != nil {
			return err
		}
		needs = ready.Path
	}
	lock, err := s.lock(ctx, item)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := s.Status(name); err == nil {
		return nil // another process was faster
	}
	return s.fill(ctx, item, needs)
}

// fill does the work of install in a temporary folder, of which one rename
// makes the item.
func (s *Setup) fill(ctx context.Context, item Item, needs string) error {
	pkg, _ := item.Package()
	if err := s.sweep(item); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(s.tempFolder(), item.Name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	archive, err := s.fetch(ctx, item, pkg, filepath.Join(temp, "package"))
	if err != nil {
		return fmt.Errorf("%w (%s)", err, item.ownCopy())
	}
	start := time.Now()
	s.options.Progress(Event{Item: item.Name, Stage: StageUnpack})
	content := filepath.Join(temp, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		return err
	}
	if err := item.unpack(ctx, archive, content, needs); err != nil {
		return fmt.Errorf("unpack %s %s: %w", item.Name, item.Version, err)
	}
	if err := writeStamp(content, item, pkg); err != nil {
		return fmt.Errorf("unpack %s %s: %w", item.Name, item.Version, err)
	}
	s.options.Progress(Event{Item: item.Name, Stage: StageUnpacked, Elapsed: time.Since(start)})
	return publish(content, s.folder(item, pkg))
}

// publish moves a complete folder to its place, over a damaged one.
func publish(content, folder string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("remove the damaged %s: %w", folder, err)
	}
	return os.Rename(content, folder)
}

// folder is where the unpacked item is kept. A new version, hash or layout goes
// beside the old one.
func (s *Setup) folder(item Item, pkg Package) string {
	name := item.Name + "-" + item.Version + "-" + pkg.SHA256[:8]
	if item.layout != "" {
		name += "-" + item.layout
	}
	return filepath.Join(s.options.Cache, "items", name)
}

func (s *Setup) tempFolder() string { return filepath.Join(s.options.Cache, "tmp") }

// sweep removes what an interrupted run of this item left behind. The caller
// holds the item's lock, so nobody is using it.
func (s *Setup) sweep(item Item) error {
	if err := os.MkdirAll(s.tempFolder(), 0o700); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	leftovers, err := filepath.Glob(filepath.Join(s.tempFolder(), item.Name+"-*"))
	for _, leftover := range leftovers {
		err = errors.Join(err, os.RemoveAll(leftover))
	}
	return err
}

// ownCopy says how to do without the registries.
func (i Item) ownCopy() string {
	hint := "or name a copy of your own with " + i.Env
	if i.Flag != "" {
		hint = "or name a copy of your own with " + i.Flag + " or " + i.Env
	}
	if pkg, ok := i.Package(); ok {
		hint += ", or put " + pkg.File + " into a folder and run \"polylens setup --from FOLDER\""
	}
	return hint
}

// checkGiven makes sure that the user's own copy at least exists.
func checkGiven(item Item, path string) error {
	probe := path
	if item.Name == Milvus {
		probe = filepath.Join(path, "milvus")
	}
	if item.Name == CLDR {
		probe = filepath.Join(path, "annotations")
	}
	if item.Name == Postgres {
		probe = filepath.Join(path, "bin", "initdb")
	}
	if _, err := os.Stat(probe); err != nil {
		return fmt.Errorf("%s given as %s: %w", item.Name, path, err)
	}
	return nil
}
