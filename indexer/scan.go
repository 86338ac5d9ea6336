package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// job is a picture whose file or metadata needs work.
type job struct {
	item    source.Item
	content string // SHA-256, when the file is known to be unchanged
	state   catalog.State
}

// scanChunk is how many pictures are compared with the catalogue at once.
const scanChunk = 256

// scan walks the source, passes on what is not as the catalogue knows it, and notes all
// else.
func (r *run) scan(ctx context.Context, jobs chan<- job) error {
	defer close(jobs)
	var items []source.Item
	var notes []catalog.Failure
	flush := func() error {
		r.progress.update(func(p *Progress) { p.Files.Seen += len(items) })
		err := r.compare(ctx, items, jobs)
		if err == nil && len(notes) > 0 {
			err = r.store.SaveFailures(ctx, r.collection, notes)
		}
		items, notes = items[:0], notes[:0]
		return err
	}
	flushLong := func() error {
		if len(items)+len(notes) < scanChunk {
			return nil
		}
		return flush()
	}
	pictures := 0
	err := r.source.Walk(ctx, source.Visitor{
		Item: func(item source.Item) error {
			pictures++
			items = append(items, item)
			return flushLong()
		},
		Other: func(other source.Other) error {
			if failure := r.noteOther(other); !other.Known {
				notes = append(notes, failure)
			}
			return flushLong()
		},
		Excluded: func(left source.Excluded) {
			r.met.leaveOut(left.URI)
			r.progress.update(func(p *Progress) { p.Files.exclude(left.Rule) })
		},
		Metadata: func() { r.progress.update(func(p *Progress) { p.Files.Seen++; p.Files.Metadata++ }) },
		Empty:    r.met.empty,
		Problem:  func(problem source.Problem) { notes = append(notes, r.noteProblem(problem)) },
		Known:    r.known,
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		r.progress.walked(pictures)
	}
	return err
}

func (r *run) compare(ctx context.Context, items []source.Item, jobs chan<- job) error {
	ids, uris := r.keys(items)
	states, err := r.states(ctx, ids)
	if err != nil {
		return err
	}
	failures, err := r.store.FailuresOf(ctx, r.collection, uris)
	if err != nil {
		return err
	}
	for i, item := range items {
		failure := failures[item.URI]
		if failure.Kind == catalog.FailurePicture && r.failsAgain(item, failure) {
			r.met.failure(item.URI)
			r.met.spoil(ids[i]) // what it was before is gone
			r.progress.fail(failure)
			continue
		}
		r.met.picture(ids[i])
		done, err := r.compareOne(ctx, item, states[ids[i]], jobs)
		if err != nil {
			return err
		}
		if done && failure.Kind == catalog.FailureIncomplete {
			r.met.failure(item.URI)
			r.progress.warn(failure)
		}
	}
	return r.noteChanged(ctx, items, ids, states)
}

// states are what the catalogue knows of images. What is pending now may not be
// so after the repair, which sends it.
func (r *run) states(ctx context.Context, ids []string) (map[string]catalog.State, error) {
	states, err := r.store.States(ctx, r.fingerprint, ids)
	if err != nil || !anyPending(states) {
		return states, err
	}
	if err := r.awaitRepair(ctx); err != nil {
		return nil, err
	}
	return r.store.States(ctx, r.fingerprint, ids)
}

func anyPending(states map[string]catalog.State) bool {
	for _, state := range states {
		if state.Encoded && !state.Indexed {
			return true
		}
	}
	return false
}

// compareOne passes on what the catalogue does not know as it is, and reports whether
// nothing is left to do. The zero state stands for a picture that is not known.
func (r *run) compareOne(ctx context.Context, item source.Item, state catalog.State, jobs chan<- job) (bool, error) {
	next := job{item: item, state: state}
	if state.Encoded && !r.rehash && isAsRead(item, state.Size, state.Modified, state.Changed) {
		next.content = state.SHA256
		inside, known := recall(state.Embedded, r.metadata)
		d := putTogether(inside, item, r.metadata)
		digest, err := catalog.Digest(state.SHA256, d.metadata, d.captions)
		if err != nil {
			return false, err
		}
		if known && inside.text() == state.Embedded && digest == state.Digest && state.Indexed && state.Source == r.source.Name() {
			r.progress.update(func(p *Progress) { p.Skipped++; p.Done++ })
			return true, nil
		}
	}
	return false, send(ctx, jobs, next)
}

// met remembers what a run has come across, so that it knows afterwards what is gone.
type met struct {
	mu       sync.Mutex
	pictures map[[16]byte]struct{} // by the bytes of the ID: large collections count
	broken   map[[16]byte]struct{} // pictures that were met and cannot be read any more
	failures map[[16]byte]struct{} // by a hash of the URI
	leftOut  map[[16]byte]struct{} // files and folders that are there and not looked at, by a hash of the URI
	emptied  map[[16]byte]struct{} // folders that are there and empty, by a hash of the URI
	folders  []string              // that could not be looked into, as URIs ending in /
}

func newMet() met {
	return met{
		pictures: make(map[[16]byte]struct{}), broken: make(map[[16]byte]struct{}), failures: make(map[[16]byte]struct{}),
		leftOut: make(map[[16]byte]struct{}), emptied: make(map[[16]byte]struct{}),
	}
}

func idBytes(id string) (key [16]byte) {
	_, _ = hex.Decode(key[:], []byte(id)) // ImageID gives 32 hex digits
	return key
}

func uriKey(uri string) (key [16]byte) {
	sum := sha256.Sum256([]byte(uri))
	copy(key[:], sum[:])
	return key
}

func (m *met) picture(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pictures[idBytes(id)] = struct{}{}
}

// lose makes a picture count as gone: its file went while the run was at work.
func (m *met) lose(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pictures, idBytes(id))
}

// spoil makes a picture count as gone: its file is there, and holds no such picture
// any more.
func (m *met) spoil(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pictures, idBytes(id))
	m.broken[idBytes(id)] = struct{}{}
}

func (m *met) failure(uri string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures[uriKey(uri)] = struct{}{}
}

func (m *met) leaveOut(uri string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leftOut[uriKey(uri)] = struct{}{}
}

// isThere reports whether the file of a picture that is gone was met all the same: it
// holds no picture any more, or a rule leaves it or its folder out.
func (m *met) isThere(id, uri string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, broken := m.broken[idBytes(id)]; broken {
		return true
	}
	return within(m.leftOut, uri) != ""
}

// within is the URI, or the part of it that names a folder above, that is in a set; ""
// when none is.
func within(set map[[16]byte]struct{}, uri string) string {
	for end := len(uri); end > 0; end = strings.LastIndexByte(uri[:end], '/') {
		if _, found := set[uriKey(uri[:end])]; found {
			return uri[:end]
		}
	}
	return ""
}

func (m *met) empty(folder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.emptied[uriKey(folder)] = struct{}{}
}

// emptyAbove is the folder above a picture that is there and empty; "" when there is
// none.
func (m *met) emptyAbove(uri string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return within(m.emptied, uri)
}

func (m *met) unseen(folder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.folders = append(m.folders, strings.TrimSuffix(folder, "/")+"/")
}

func (m *met) isGone(id, uri string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.pictures[idBytes(id)]
	return !there && !m.isHidden(uri)
}

func (m *met) stillFails(uri string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, fails := m.failures[uriKey(uri)]
	return fails || m.isHidden(uri)
}

func (m *met) isHidden(uri string) bool {
	for _, folder := range m.folders {
		if strings.HasPrefix(uri, folder) {
			return true
		}
	}
	return false
}
