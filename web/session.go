package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"polylens/indexer/catalog"
)

const (
	sessionPath = apiPrefix + "/session"
	maxSignIn   = 4 << 10
	cookieName  = "polylens-session"
	secureName  = "__Host-" + cookieName // browsers take it over TLS only, and of this very host
)

// cookiesOf are the session cookies of a request.
func cookiesOf(r *http.Request) []string {
	var all []string
	for _, name := range []string{secureName, cookieName} {
		for _, cookie := range r.CookiesNamed(name) {
			all = append(all, cookie.Value)
		}
	}
	return all
}

// sessionRights is nil without a session. One that has ended is none: the browser still
// sends its cookie.
func (s *server) sessionRights(ctx context.Context, r *http.Request) (*rights, error) {
	for _, cookie := range cookiesOf(r) {
		found := s.sessions.find(cookie)
		if found == nil {
			continue
		}
		key, err := s.Keys.Key(ctx, found.key)
		if err == nil && whyNot(key) == nil {
			who := rightsOf(key, viaSession)
			who.until, who.ended = found.ends, found.ended
			return who, nil
		}
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return nil, err
		}
		s.sessions.end(cookie)
	}
	return nil, nil
}

// Visitor is the request of somebody who signs in or out. (The library that reads
// parameters sees embedded structs only when they are exported.)
type Visitor struct{ request *http.Request }

// Resolve implements huma.Resolver.
func (v *Visitor) Resolve(ctx huma.Context) []error {
	v.request, _ = humachi.Unwrap(ctx)
	return nil
}

// cookie is one that scripts cannot read and that no other site sends. A proxy that
// speaks TLS for us says so.
func (v *Visitor) cookie(value string, age time.Duration) http.Cookie {
	secure := v.request.TLS != nil || strings.EqualFold(v.request.Header.Get("X-Forwarded-Proto"), "https")
	name := cookieName
	if secure {
		name = secureName
	}
	seconds := int(age / time.Second)
	if seconds <= 0 {
		seconds = -1 // at once
	}
	return http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

type signInInput struct {
	Visitor
	Body struct {
		Key string `json:"key" minLength:"1" maxLength:"200" doc:"An API key"`
	}
}

type signedIn struct {
	SetCookie http.Cookie `header:"Set-Cookie" doc:"The session, which browsers send from now on"`
	Body      Access
}

type signedOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Clear     string        `header:"Clear-Site-Data"`
}

func (s *server) sessionOperations(api huma.API) {
	begin := operation("create-session", http.MethodPost, "/session", "keys", "Sign in with a key: a cookie stands for it from now on, for 12 hours at most",
		http.StatusUnauthorized)
	begin.Metadata["body"] = int64(maxSignIn)
	huma.Register(api, inLane(begin, laneDoor), s.signIn)
	end := operation("delete-session", http.MethodDelete, "/session", "keys", "Sign out")
	end.Metadata["body"] = int64(maxSignIn)
	huma.Register(api, inLane(end, laneDoor), s.signOut)
}

func (s *server) signIn(ctx context.Context, input *signInInput) (*signedIn, error) {
	if s.Keys == nil {
		return nil, newProblem(kindKeyWrong, "this server has no keys")
	}
	key, err := s.keyOf(ctx, strings.TrimSpace(input.Body.Key))
	if err != nil {
		return nil, s.refusalOf(input.request, err)
	}
	who := rightsOf(key, viaSession)
	if err := s.count(input.request, who); err != nil {
		return nil, err
	}
	cookie, ends := s.sessions.begin(key)
	s.audit(input.request, event{operation: "sign-in", status: http.StatusOK, who: who})
	return &signedIn{SetCookie: input.cookie(cookie, time.Until(ends)), Body: accessOf(who)}, nil
}

// signOut ends the session also where a browser has cookies from before and after TLS.
func (s *server) signOut(_ context.Context, input *Visitor) (*signedOut, error) {
	for _, cookie := range cookiesOf(input.request) {
		if ended := s.sessions.end(cookie); ended != nil {
			s.audit(input.request, event{operation: "sign-out", status: http.StatusNoContent, who: rightsOf(catalog.Key{ID: ended.key}, viaSession)})
		}
	}
	gone := input.cookie("", 0)
	other := gone
	other.Name = cookieName
	return &signedOut{SetCookie: []http.Cookie{gone, other}, Clear: `"cache"`}, nil // pictures may be kept for an hour
}

// Access is what a client may do.
type Access struct {
	Scopes      Scopes   `json:"scopes" doc:"Of its credentials; all without any"`
	Collections []string `json:"collections,omitempty" doc:"The only collections that it may look at; absent: all"`
	Key         string   `json:"key,omitempty" doc:"ID of its key; absent without one"`
	Session     bool     `json:"session" doc:"Whether it has signed in with that key"`
}

func accessOf(who *rights) Access {
	if who == nil {
		return Access{Scopes: catalog.Scopes()}
	}
	access := Access{Key: who.key.ID, Session: who.via == viaSession, Collections: who.collections, Scopes: []catalog.Scope{}}
	for _, scope := range catalog.Scopes() {
		if who.has(scope) || scope == catalog.ScopeSearch && who.within != nil {
			access.Scopes = append(access.Scopes, scope)
		}
	}
	return access
}
