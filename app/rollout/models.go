package rollout

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"polylens/indexer"
)

// models holds the model that searches use and, while collections are encoded for
// the next one, that one too: indexing then uses it.
type models struct {
	mu        sync.RWMutex
	searching *views
	next      *views // nil: none, indexing uses searching
	arriving  *views // takes the place of searching just now; nil: none
}

// now is the model that searches use.
func (m *models) now() *views {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.searching
}

// indexing is the model that pictures are encoded with.
func (m *models) indexing() *views {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.next != nil {
		return m.next
	}
	return m.searching
}

// expect keeps the next model beside the present one; nil gives it up.
func (m *models) expect(next *views) error {
	m.mu.Lock()
	before := m.next
	m.next = next
	m.mu.Unlock()
	return before.retire()
}

// replace makes searches use another model, be it the next one or not.
func (m *models) replace(with *views) error {
	m.mu.Lock()
	before, next := m.searching, m.next
	m.searching, m.next, m.arriving = with, nil, nil
	m.mu.Unlock()
	if next == with {
		next = nil
	}
	return errors.Join(before.retire(), next.retire())
}

func (m *models) loaded() []*views {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.DeleteFunc([]*views{m.next, m.arriving, m.searching}, func(v *views) bool { return v == nil })
}

// arrive keeps the model that is about to be searched with; nil when it is not after all.
func (m *models) arrive(model *views) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arriving = model
}

// giving is the loaded model that gives the vectors of a picture fingerprint, or else the
// one that searches use.
func (m *models) giving(fingerprint string, maxPatches int) (Model, error) {
	for _, loaded := range m.loaded() {
		if view, err := loaded.of(maxPatches); err == nil && view.PictureFingerprint() == fingerprint {
			return view, nil
		}
	}
	return m.now().of(maxPatches)
}

var errReplaced = fmt.Errorf("%w while pictures were encoded: index the folder again", indexer.ErrReplaced)

// borrow finds a loaded model that gives the vectors of a picture fingerprint,
// and keeps it open until done is called.
func (m *models) borrow(fingerprint string, maxPatches int) (model Model, done func(), err error) {
	for _, loaded := range m.loaded() {
		view, err := loaded.of(maxPatches)
		if err == nil && view.PictureFingerprint() == fingerprint && loaded.use() {
			return view, loaded.release, nil
		}
	}
	return nil, nil, errReplaced
}

// knows reports whether a loaded model, or a view of it, gives the vectors of a
// picture fingerprint.
func (m *models) knows(fingerprint string) bool {
	return slices.ContainsFunc(m.loaded(), func(loaded *views) bool { return loaded.knows(fingerprint) })
}

// close frees what is loaded.
func (m *models) close() error {
	var err error
	for _, loaded := range m.loaded() {
		err = errors.Join(err, loaded.retire())
	}
	return err
}
