package web

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"

	"polylens/indexer/catalog"
)

// CountConnections lets a server have so many connections, and of strangers.
func CountConnections(server *http.Server, handler *Handler, most, mostStrangers int) {
	open := newConnections(most, mostStrangers)
	server.ConnContext, server.ConnState = open.context(handler, handler.ConnContext), open.watch
}

// Receive is what an upload holds, of a budget of bytes, and whether all is given back.
func Receive(contentType string, body []byte, most, budget int64) (file []byte, givenBack bool, err error) {
	shared := newBudget(budget)
	holds := held{budget: shared}
	upload := Upload{
		ContentType: contentType, request: httptest.NewRequest("POST", "/", bytes.NewReader(body)), writer: httptest.NewRecorder(),
	}
	file, err = upload.receive(&holds, Limits{}.withDefaults(), most)
	holds.giveBack()
	return file, shared.taken == 0, err
}

// oneKey knows one key.
type oneKey struct {
	keys
	key catalog.Key
}

type keys interface{ Keys }

func (o oneKey) Key(_ context.Context, id string) (catalog.Key, error) {
	if id != o.key.ID {
		return catalog.Key{}, catalog.ErrNotFound
	}
	return o.key, nil
}

// CheckToken is nil for a token that a server with one key takes.
func CheckToken(ctx context.Context, key, token string) error {
	known := catalog.Key{Scopes: []catalog.Scope{catalog.ScopeSearch}}
	known.SetText(key)
	s := &server{Config: Config{Keys: oneKey{key: known}}}
	_, err := s.tokenRights(ctx, token)
	return err
}

// Sessions are those of pages that have signed in.
type Sessions struct{ of *sessions }

func NewSessions() Sessions { return Sessions{newSessions()} }

// Begin returns the cookie of a new session of a key.
func (s Sessions) Begin(key string) string {
	cookie, _ := s.of.begin(catalog.Key{ID: key})
	return cookie
}

func (s Sessions) Has(cookie string) bool { return s.of.find(cookie) != nil }

func (s Sessions) Count() int { return len(s.of.open) }

var SameHost = sameHost

// Hold is a request of a key, or of nobody's with an empty one, that holds bytes of bodies.
type Hold struct{ of *held }

// NewHolds begins requests that share a budget.
func NewHolds(most int64) func(key string) Hold {
	shared := newBudget(most)
	return func(key string) Hold { return Hold{&held{budget: shared, key: key}} }
}

func (h Hold) Take(bytes int64) bool { return h.of.take(bytes) }

func (h Hold) GiveBack() { h.of.giveBack() }
