package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"polylens/indexer/source/ignore"
	"polylens/internal/ordinary"
)

// walker is one walk in progress. All names it handles are slash-separated
// and relative to the folder, through whose files alone it touches anything.
type walker struct {
	ctx     context.Context
	base    string
	files   files
	rules   compiledRules
	visitor Visitor
	count   *int // of a walk that only counts; else nil

	queue   []event      // what comes next, when it is known what the files in it are
	spare   []event      // an empty queue
	telling bool         // of the queue
	links   []link       // to folders, which come last
	entered map[any]bool // folders by their identity, when links are followed
	unread  bool         // of the picture that is told next: see Item
}

// place is a folder that is looked into.
type place struct {
	folder    string
	self      folderID
	moved     bool       // it was told that this folder is no longer here
	manifests []manifest // of this folder and those above
	own       []manifest // of this folder
	alike     siblings   // where there are manifests
	unread    bool       // of this folder, or those above, there is one that could not be read
	ignores   *ignores
	included  bool // what lies here is among the files to include
	metadata  metadataFiles
	beside    *beside       // of metadata, when a picture has asked
	waiting   []event       // files of metadata, until it is known whether they are used
	entries   []fs.DirEntry // by name, without those that are left out
}

// has reports whether an entry of that name lies here.
func (p *place) has(name string) bool {
	_, found := slices.BinarySearchFunc(p.entries, name, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
	return found
}

// below is the path of an entry. It is path.Join without a look at dots, of which names
// of entries have none.
func (p *place) below(name string) string {
	if p.folder == "." {
		return name
	}
	return p.folder + "/" + name
}

// folder looks into a folder: at says where it lies and what rules above it say.
func (w *walker) folder(at *place, entries []fs.DirEntry) error {
	if !w.addIgnores(at, entries) {
		return nil
	}
	entries = w.notExcluded(at, entries)
	at.entries = entries
	at.metadata = metadataNames(entries)
	if w.count == nil {
		w.addManifests(at)
	}
	if len(at.manifests) > 0 {
		at.alike = siblingsOf(at.folder, entries)
	}
	for _, entry := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if at.moved {
			break
		}
		if err := w.entry(at, entry); err != nil {
			return err
		}
	}
	return w.enqueue(event{place: at, ends: true})
}

// notExcluded tells of entries that rules leave out, and returns the others.
func (w *walker) notExcluded(at *place, entries []fs.DirEntry) []fs.DirEntry {
	kept := make([]fs.DirEntry, 0, len(entries))
	for _, entry := range entries {
		name := at.below(entry.Name())
		if rule := w.excludedBy(at, name, entry.IsDir()); rule != "" {
			w.tellExcluded(name, rule)
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

func (w *walker) entry(at *place, entry fs.DirEntry) error {
	name := at.below(entry.Name())
	kind := entry.Type()
	switch {
	case entry.IsDir():
		return w.subfolder(at, name, false)
	case kind&fs.ModeSymlink != 0:
		return w.link(at, name)
	case kind.IsRegular() && entry.Name() == ignoreFile:
		w.tellMetadata()
		return nil
	case !kind.IsRegular():
		w.problem(Problem{URI: w.uri(name), Kind: ProblemSpecial, Err: fmt.Errorf("it is %s, not a file", ordinary.Kind(kind))})
		return nil
	case w.count != nil:
		return w.file(at, name, nil)
	}
	info, err := w.stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		w.missed(at) // or deleted a moment ago
		return nil
	}
	if err != nil {
		w.problem(Problem{URI: w.uri(name), Kind: ProblemFile, Err: plain(err)})
		return nil
	}
	return w.file(at, name, info)
}

// missed tells that a folder is no longer where it was, if that is why a file in it is
// not there: what was listed in it may be somewhere else now.
func (w *walker) missed(at *place) (moved bool) {
	if at.moved {
		return true
	}
	if w.isStill(at.folder, at.self) {
		return false
	}
	at.moved = true
	w.problem(Problem{URI: w.uri(at.folder), Kind: ProblemFolder,
		Err: errors.New("it was moved, or went, while it was looked at; index again")})
	return true
}

// subfolder looks into a folder unless it was reached by another way.
func (w *walker) subfolder(at *place, name string, isLink bool) error {
	if len(name) > maxFolder {
		w.problem(Problem{URI: shorten(w.uri(name)), Kind: ProblemName,
			Err: fmt.Errorf("its path has %d bytes, at most %d are followed: move it up, or shorten the names of its folders", len(name), maxFolder)})
		return nil
	}
	entries, self, err := w.readDir(name)
	switch {
	case w.ctx.Err() != nil:
		return w.ctx.Err()
	case err != nil:
		w.problem(Problem{URI: w.uri(name), Kind: ProblemFolder, Err: plain(err)})
		return nil
	case !w.rules.NoDefaultExcludes && isImmich(name, entries):
		w.tellExcluded(name, immichRule)
		return nil
	case !w.isNew(name):
		w.problem(Problem{URI: w.uri(name), Kind: ProblemLink, Err: errSeen})
		w.tellFolder(Entered{URI: w.uri(name)})
		return nil
	}
	w.tellFolder(w.gate(name, self, at.self, isLink))
	return w.folder(&place{
		folder: name, self: self, manifests: at.manifests, unread: at.unread, ignores: at.ignores, included: w.isIncluded(at, name, true),
	}, entries)
}

// file takes a file on; info is nil in a walk that only counts.
func (w *walker) file(at *place, name string, info fs.FileInfo) error {
	_, isMetadata := at.metadata[path.Base(name)]
	switch {
	case !isMetadata && !w.isIncluded(at, name, false):
		w.tellExcluded(name, notIncluded)
		return nil
	case w.count != nil:
		if IsPicture(name) || path.Ext(name) == "" {
			*w.count++
		}
		return nil
	}
	uri := w.uri(name)
	if len(uri) > maxURI {
		w.problem(Problem{URI: shorten(uri), Kind: ProblemName,
			Err: fmt.Errorf("its path has %d characters as a URI, at most %d are allowed: move it up, or shorten the names of its folders", len(uri), maxURI)})
		return nil
	}
	e := event{place: at, name: name, item: Item{URI: uri, Path: w.path(name), Size: info.Size(), Modified: info.ModTime(), Changed: changed(info)}}
	if isMetadata {
		at.waiting = append(at.waiting, e)
		return nil
	}
	return w.enqueue(e)
}

// notIncluded is the rule that leaves out what no pattern includes.
const notIncluded = "not included"

// maxURI keeps URIs within what a Postgres index entry may hold.
const maxURI = 2048

// maxFolder is how long the path of a folder may be that is looked into, of which each
// part takes time for every file below: longer than any that systems open by its path.
const maxFolder = 4096

// shorten cuts a URI between two characters, also where those are escaped, and marks it
// so that two long ones stay apart.
func shorten(uri string) string {
	mark := fmt.Sprintf("~%x", sha256.Sum256([]byte(uri)))[:17]
	end := maxURI - len(mark)
	if at := strings.LastIndexByte(uri[end-2:end], '%'); at >= 0 {
		end = end - 2 + at
	}
	for end >= 3 && isContinued(uri[end:]) {
		end -= 3
	}
	return uri[:end] + mark
}

// isContinued reports whether a text begins with an escaped byte that is not the first
// of its character in UTF-8.
func isContinued(text string) bool {
	return len(text) >= 2 && text[0] == '%' && strings.IndexByte("89AB", text[1]) >= 0
}

// addIgnores adds the patterns of a folder's own. Where the file system does not tell them,
// it reports that the folder is not to be looked into: what they leave out might be private.
func (w *walker) addIgnores(at *place, entries []fs.DirEntry) bool {
	for _, entry := range entries {
		if entry.Name() != ignoreFile || !entry.Type().IsRegular() {
			continue
		}
		name := path.Join(at.folder, ignoreFile)
		data, err := w.readFile(name, ignore.MaxText)
		var list ignore.List
		if err == nil {
			list, err = ignore.Parse(data)
		}
		switch {
		case err == nil:
			at.ignores = &ignores{folder: at.folder, list: list, outer: at.ignores}
		case saysNothing(err):
			w.problem(Problem{URI: w.uri(at.folder), Kind: ProblemFolder, Err: fmt.Errorf("its rules in %s cannot be read: %w", ignoreFile, err)})
			return false
		default:
			w.problem(Problem{URI: w.uri(name), Kind: ProblemSidecar, Err: fmt.Errorf("its rules are not followed: %w", err)})
		}
	}
	return true
}

// problem tells of a problem when its turn has come.
func (w *walker) problem(problem Problem) {
	switch {
	case w.visitor.Problem == nil:
	case w.telling:
		w.visitor.Problem(problem)
	default:
		w.queue = append(w.queue, event{problem: &problem})
	}
}

func (w *walker) tellFolder(folder Entered) {
	if w.visitor.Folder != nil {
		w.visitor.Folder(folder)
	}
}

func (w *walker) tellExcluded(name, rule string) {
	if w.visitor.Excluded != nil {
		w.visitor.Excluded(Excluded{URI: w.uri(name), Rule: rule})
	}
}

func (w *walker) tellMetadata() {
	if w.visitor.Metadata != nil {
		w.visitor.Metadata()
	}
}
