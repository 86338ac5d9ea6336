package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"polylens/indexer/catalog"
)

// admitted lets in who has credentials, or whom the door lets in without any, and refuses
// everybody else. Credentials narrow what their holder may do, whoever that is.
func (s *server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := callerOf(r.Context())
		if !s.door.admits(who) {
			w.Header().Set("Connection", "close") // others may want its place
		}
		if s.isOpen(r, who) {
			next.ServeHTTP(w, r)
			return
		}
		who, err := s.admit(r, who)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		w.Header().Del("Connection")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
	})
}

// admit returns the caller with what its credentials allow.
func (s *server) admit(r *http.Request, who caller) (caller, error) {
	found, err := s.authenticate(r)
	switch {
	case err != nil:
		return who, s.refusalOf(r, err)
	case found == nil && s.door.admits(who):
		return who, nil
	case found == nil && s.keyed(r.Context()):
		return who, s.askForKey(who)
	case found == nil:
		return who, newProblem(kindStranger, s.door.refusal(who))
	}
	if err := s.count(r, found); err != nil {
		return who, err
	}
	who.seat.admit()
	who.rights, who.host = found, false // a key does not name folders of the machine
	return who, nil
}

func (s *server) askForKey(who caller) error {
	words := "this needs an API key, as “Authorization: Bearer KEY”; whoever runs the server makes one with “polylens key create”"
	if who.host {
		words += ", which the command line of the machine itself does not need"
	}
	return noKey(words)
}

// alivePath is open to everybody: that something listens, anybody can see. Monitors need
// no more, and other processes of the machine find the server by it.
const alivePath = "/healthz"

// isOpen reports whether everybody may ask a path: where keys are of use, also the page
// that asks for one. What the path looks like when it is escaped makes no difference: then
// it is not the one that is open. Nobody whom the door lets in waits for the catalogue.
func (s *server) isOpen(r *http.Request, who caller) bool {
	switch {
	case r.URL.RawPath != "":
		return false
	case r.URL.Path == alivePath:
		return true
	case r.URL.Path != sessionPath && !isPage(r):
		return false
	}
	return s.door.admits(who) || s.keyed(r.Context())
}

// isPage is true for the files of the page, which are the same for everybody.
func isPage(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return reads && !strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != descriptionPath && r.URL.Path != readyPath
}

// keyed reports whether keys are of use here: they are needed, or there are some.
func (s *server) keyed(ctx context.Context) bool {
	return s.Keys != nil && (s.door.guests.Keys || s.anyKey.ask(ctx, s.Keys))
}

// anyKeyFor is how long an answer to whether there are keys holds.
const anyKeyFor = time.Second

// anyKey remembers for a moment whether there are keys.
type anyKey struct {
	asking sync.Mutex
	asked  time.Time // with asking held
	is     atomic.Bool
}

// ask asks anew after a moment. While somebody does so, the others get the answer before,
// at first that there are none: a catalogue that is slow lets nobody queue.
func (a *anyKey) ask(ctx context.Context, keys Keys) bool {
	if !a.asking.TryLock() {
		return a.is.Load()
	}
	defer a.asking.Unlock()
	if time.Since(a.asked) < anyKeyFor {
		return a.is.Load()
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	is, err := keys.AnyKey(ctx)
	if err == nil {
		a.asked = time.Now()
		a.is.Store(is)
	}
	return a.is.Load()
}

// noteUsed notes in the background that a key is used: nobody waits for it.
func (s *server) noteUsed(id string) {
	s.noting.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), askLimit)
		defer cancel()
		if err := s.Keys.NoteKeyUsed(ctx, id); err != nil && !errors.Is(err, catalog.ErrNotFound) {
			s.Logger.Warn("the use of a key could not be noted", "key", id, "error", err)
		}
	})
}
