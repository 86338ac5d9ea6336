package web

import (
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"polylens/indexer/catalog"
)

// Sessions that are open at a time. A key that has more loses its oldest, and when there are
// too many in all, so does the key that has the most: no key puts out the few of another.
const (
	sessionLength = 12 * time.Hour
	maxSessions   = 10_000
	maxOfKey      = 1000
)

// sessions are the pages that have signed in. They end with the process, and with their
// key. The cookie itself is kept nowhere: a session is looked for by its hash.
type sessions struct {
	mu    sync.Mutex
	open  map[[sha256.Size]byte]*session
	ofKey map[string][]*session // by the ID of their key, oldest first
}

type session struct {
	hash  [sha256.Size]byte
	key   string // its ID
	ends  time.Time
	ended chan struct{} // closed when it ends before that
}

func newSessions() *sessions {
	return &sessions{open: make(map[[sha256.Size]byte]*session), ofKey: make(map[string][]*session)}
}

// begin returns the cookie of a new session.
func (s *sessions) begin(key catalog.Key) (cookie string, ends time.Time) {
	cookie, ends = rand.Text()+rand.Text(), time.Now().Add(sessionLength)
	if !key.Expires.IsZero() && key.Expires.Before(ends) {
		ends = key.Expires
	}
	fresh := &session{hash: sha256.Sum256([]byte(cookie)), key: key.ID, ends: ends, ended: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(key.ID)
	s.open[fresh.hash] = fresh
	s.ofKey[key.ID] = append(s.ofKey[key.ID], fresh)
	return cookie, ends
}

// makeRoom ends sessions until there is room for one more of a key; the lock is held.
func (s *sessions) makeRoom(key string) {
	if own := s.ofKey[key]; len(own) >= maxOfKey {
		s.remove(own[0])
	}
	if len(s.open) < maxSessions {
		return
	}
	now := time.Now()
	for _, one := range s.open {
		if !one.ends.After(now) {
			s.remove(one)
		}
	}
	if len(s.open) < maxSessions {
		return
	}
	var most []*session
	for _, own := range s.ofKey {
		if len(own) > len(most) {
			most = own
		}
	}
	s.remove(most[0])
}

// remove ends a session; the lock is held.
func (s *sessions) remove(one *session) {
	close(one.ended)
	delete(s.open, one.hash)
	own := s.ofKey[one.key]
	at := slices.Index(own, one)
	if own = slices.Delete(own, at, at+1); len(own) == 0 {
		delete(s.ofKey, one.key)
		return
	}
	s.ofKey[one.key] = own
}

// find is the session of a cookie, nil if there is none.
func (s *sessions) find(cookie string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[sha256.Sum256([]byte(cookie))]
	if !ok || !found.ends.After(time.Now()) {
		return nil
	}
	return found
}

// end ends the session of a cookie, and returns it; nil if there is none.
func (s *sessions) end(cookie string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[sha256.Sum256([]byte(cookie))]
	if !ok {
		return nil
	}
	s.remove(found)
	return found
}
