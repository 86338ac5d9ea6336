package web

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"

	"golang.org/x/sync/semaphore"

	"polylens/indexer/catalog"
)

// CountConnections lets a server have so many connections, and of strangers.
func CountConnections(server *http.Server, handler *Handler, most, mostStrangers int) {
	open := newConnections(most, mostStrangers)
	server.ConnContext, server.ConnState = open.context(handler, handler.ConnContext), open.watch
}

// Receive is what an upload holds, of a budget of bytes, and whether all is given back.
func Receive(contentType string, body []byte, most, budget int64) (file []byte, givenBack bool, err error) {
	shared := semaphore.NewWeighted(budget)
	holds := held{budget: shared}
	upload := Upload{
		ContentType: contentType, request: httptest.NewRequest("POST", "/", bytes.NewReader(body)), writer: httptest.NewRecorder(),
	}
	file, err = upload.receive(&holds, Limits{}.withDefaults(), most)
	holds.giveBack()
	return file, shared.TryAcquire(budget), err
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
