package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"

	"github.com/danielgtaylor/huma/v2"
)

// Keys keeps API keys; *database.Store is one. Unknown keys are catalog.ErrNotFound.
type Keys interface {
	CreateKey(ctx context.Context, key catalog.Key) (catalog.Key, error)
	Keys(ctx context.Context) ([]catalog.Key, error) // newest first
	Key(ctx context.Context, id string) (catalog.Key, error)
	RevokeKey(ctx context.Context, id string) (catalog.Key, error)
	// NoteKeyUsed notes that a key is used now; it may be content with the minute.
	NoteKeyUsed(ctx context.Context, id string) error
	// AnyKey reports whether there is a key that counts.
	AnyKey(ctx context.Context) (bool, error)
}

// How credentials came.
const (
	viaKey     = "key"
	viaSession = "session"
	viaToken   = "token"
)

// rights are what somebody's credentials allow.
type rights struct {
	key         catalog.Key
	via         string
	collections []string      // nil: all
	within      search.Filter // what a token lets see; nil: everything
	until       time.Time     // zero: for ever
}

func rightsOf(key catalog.Key, via string) *rights {
	return &rights{key: key, via: via, collections: key.Collections, until: key.Expires}
}

// allows reports whether a collection may be looked at. What belongs to none, only those
// see who see all.
func (r *rights) allows(collection string) bool {
	return r == nil || r.collections == nil || slices.Contains(r.collections, collection)
}

// has reports whether the credentials have a scope.
func (r *rights) has(scope catalog.Scope) bool {
	return r == nil || r.within == nil && r.key.Has(scope)
}

// limit is the only collections that may be looked at; nil: all.
func (r *rights) limit() []string {
	if r == nil {
		return nil
	}
	return r.collections
}

// refusal answers whose credentials are missing, wrong or not enough.
type refusal struct {
	problem *huma.ErrorModel
	header  http.Header
}

// Error implements error.
func (r *refusal) Error() string { return r.problem.Detail }

func (r *refusal) write(w http.ResponseWriter, request *http.Request) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	refuse(w, request, r.problem)
}

// asProblem is an error as the operations that huma runs return it.
func asProblem(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return huma.ErrorWithHeaders(refused.problem, refused.header)
	}
	return err
}

const challenge = `Bearer realm="Polylens"`

func unknown(words string) *refusal {
	return &refusal{newProblem(kindKeyWrong, words), http.Header{"Www-Authenticate": {challenge + `, error="invalid_token"`}}}
}

func forbidden(words string, scopes []catalog.Scope) *refusal {
	header := http.Header{}
	if len(scopes) > 0 {
		names := strings.ReplaceAll(inWords(scopes), " or ", " ")
		header.Set("WWW-Authenticate", challenge+`, error="insufficient_scope", scope="`+names+`"`)
	}
	return &refusal{newProblem(kindNotAllowed, words), header}
}

func tooMany(words string, wait time.Duration) *refusal {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	return &refusal{newProblem(kindTooMany, words), http.Header{"Retry-After": {strconv.Itoa(seconds)}}}
}

const wrongKey = "this is no API key of this server, or it is mistyped"

// authenticate finds out what the credentials of a request allow: nil when it has none. It
// is a *refusal for wrong ones. A header counts more than a cookie, and one that is not
// meant for Polylens (Basic, of a proxy) counts as none.
func (s *server) authenticate(r *http.Request) (*rights, error) {
	if s.Keys == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), askLimit)
	defer cancel()
	for _, header := range r.Header.Values("Authorization") {
		scheme, credentials, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		if credentials = strings.TrimSpace(credentials); strings.Count(credentials, ".") == 2 {
			return s.tokenRights(ctx, credentials)
		}
		key, err := s.keyOf(ctx, credentials)
		return rightsOf(key, viaKey), err
	}
	return s.sessionRights(ctx, r)
}

// keyOf is the key with a text, if it counts.
func (s *server) keyOf(ctx context.Context, text string) (catalog.Key, error) {
	id, ok := catalog.KeyIDOf(text)
	if !ok {
		return catalog.Key{}, unknown(wrongKey)
	}
	key, err := s.Keys.Key(ctx, id)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && !key.IsText(text) {
		return catalog.Key{}, unknown(wrongKey)
	}
	return key, cmp.Or(err, whyNot(key))
}

// whyNot is a refusal for a key that counts no longer.
func whyNot(key catalog.Key) error {
	if state := key.State(time.Now()); state != "" {
		return unknown("this key is " + state)
	}
	return nil
}

// still reports whether rights that somebody had a while ago are unchanged.
func (s *server) still(ctx context.Context, who *rights) bool {
	if who == nil {
		return true
	}
	if !who.until.IsZero() && !who.until.After(time.Now()) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	key, err := s.Keys.Key(ctx, who.key.ID)
	return err == nil && whyNot(key) == nil && slices.Equal(key.Collections, who.key.Collections)
}
