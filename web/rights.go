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
	ended       chan struct{} // closed when they end before that; nil of those that only the catalogue ends
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

const challenge = `Bearer realm="Polylens"`

// Problems of those whose credentials are missing, wrong or not enough, with the headers
// that belong to them.
func unknown(words string) error {
	return huma.ErrorWithHeaders(newProblem(kindKeyWrong, words), http.Header{"Www-Authenticate": {challenge + `, error="invalid_token"`}})
}

func noKey(words string) error {
	return huma.ErrorWithHeaders(newProblem(kindNoKey, words), http.Header{"Www-Authenticate": {challenge}})
}

func lacksScope(scopes []catalog.Scope) error {
	names := catalog.ScopeNames(scopes)
	words := "this key lacks the scope for it: it needs " + strings.Join(names, " or ")
	return huma.ErrorWithHeaders(newProblem(kindNotAllowed, words), http.Header{
		"Www-Authenticate": {challenge + `, error="insufficient_scope", scope="` + strings.Join(names, " ") + `"`}})
}

func tooMany(words string, wait time.Duration) error {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	return huma.ErrorWithHeaders(newProblem(kindTooMany, words), http.Header{"Retry-After": {strconv.Itoa(seconds)}})
}

const wrongKey = "this is no API key of this server, or it is mistyped"

// authenticate finds out what the credentials of a request allow: nil when it has none. It
// is a problem (*huma.ErrorModel) for wrong ones. A header counts more than a cookie, and one that is not
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

var errRightsEnded = errors.New("the credentials have ended meanwhile")

// whileAllowed is a context for what lasts: it ends, by errRightsEnded, soon after the
// rights of the caller. Call stop when it is not needed any more.
func (s *server) whileAllowed(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if who := callerOf(ctx).rights; who != nil {
		go func() {
			s.untilEnd(ctx, who)
			cancel(errRightsEnded)
		}()
	}
	return ctx, func() { cancel(nil) }
}

// untilEnd returns when rights have ended, or ctx has.
func (s *server) untilEnd(ctx context.Context, who *rights) {
	check := time.NewTicker(checkRights)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-who.ended:
			return
		case <-check.C:
			if !s.still(ctx, who) {
				return
			}
		}
	}
}

// still reports whether rights that somebody had a while ago are unchanged.
func (s *server) still(ctx context.Context, who *rights) bool {
	if !who.until.IsZero() && !who.until.After(time.Now()) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	key, err := s.Keys.Key(ctx, who.key.ID)
	return err == nil && whyNot(key) == nil && slices.Equal(key.Collections, who.key.Collections)
}
