package indexer

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"sync"

	"polylens/indexer/source"
)

// met remembers what a run has come across, so that it knows afterwards what is gone.
type met struct {
	mu       sync.Mutex
	pictures map[[16]byte]struct{} // by the bytes of the ID: large collections count
	replaced map[[16]byte]struct{} // pictures behind a barred gate, of whose files others have taken the place
	broken   map[[16]byte]struct{} // pictures that were met and cannot be read any more
	failures map[[16]byte]struct{} // by a hash of the URI
	leftOut  map[[16]byte]struct{} // files and folders that are there and not looked at, by a hash of the URI
	folders  map[[16]byte]struct{} // that were looked into, or where nothing was found, by a hash of the URI
	holding  map[[16]byte]struct{} // folders with a picture in them or below, by a hash of the URI
	gates    gates                 // by URI
	hidden   map[[16]byte]struct{} // folders that could not be looked into, by a hash of the URI
	last     string                // folder of the last picture, all above which are holding
}

func newMet() met {
	return met{
		pictures: make(map[[16]byte]struct{}), broken: make(map[[16]byte]struct{}), failures: make(map[[16]byte]struct{}),
		leftOut: make(map[[16]byte]struct{}), folders: make(map[[16]byte]struct{}), holding: make(map[[16]byte]struct{}),
		gates: make(gates), replaced: make(map[[16]byte]struct{}), hidden: make(map[[16]byte]struct{}),
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

// folder notes one that is looked into.
func (m *met) folder(folder source.Entered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.folders[uriKey(folder.URI)] = struct{}{}
	if folder.Identity != "" {
		m.gates[folder.URI] = gate{folder.Identity, folder.Mount}
	}
}

// entered reports whether a folder was looked into, or nothing found in its place.
func (m *met) entered(folder string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.folders[uriKey(folder)]
	return there
}

// passed are the gates that the walk has passed.
func (m *met) passed() gates {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.gates)
}

// replace notes a picture in whose place there is another one, which was not read.
func (m *met) replace(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replaced[idBytes(id)] = struct{}{}
}

func (m *met) isReplaced(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, replaced := m.replaced[idBytes(id)]
	return replaced
}

// isOutOfSight reports whether a folder lies in one that could not be looked into, or is
// one.
func (m *met) isOutOfSight(folder string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return within(m.hidden, folder) != ""
}

// hold notes that the folders above a picture have one.
func (m *met) hold(uri string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	folder := above(uri)
	if folder == m.last {
		return
	}
	m.last = folder
	for ; folder != ""; folder = above(folder) {
		key := uriKey(folder)
		if _, known := m.holding[key]; known {
			return
		}
		m.holding[key] = struct{}{}
	}
}

// above is the URI of the folder that something lies in; "" when there is none.
func above(uri string) string { return uri[:max(0, strings.LastIndexByte(uri, '/'))] }

// emptied is the folder above a picture, or what is in its own place, that is there and
// has no picture any more; "" when there is none.
func (m *met) emptied(uri string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	there := within(m.folders, uri)
	if _, holds := m.holding[uriKey(there)]; holds {
		return ""
	}
	return there
}

func (m *met) unseen(folder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hidden[uriKey(strings.TrimSuffix(folder, "/"))] = struct{}{}
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
	return len(m.hidden) > 0 && within(m.hidden, above(uri)) != ""
}
