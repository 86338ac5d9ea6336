package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

func signIn(t *testing.T, k keyring, key string, headers ...string) reply {
	t.Helper()
	return send(t, "POST", k.URL+"/api/v1/session", fmt.Sprintf(`{"key":%q}`, key), append(headers, jsonType)...)
}

func cookieOf(t *testing.T, r reply) *http.Cookie {
	t.Helper()
	cookie, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("%v in %d %s", err, r.status, r.body)
	}
	return cookie
}

func TestSession(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeSearch)
	r := signIn(t, k, " "+key+"\n")
	cookie := cookieOf(t, r)
	if r.status != http.StatusOK || !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" ||
		cookie.MaxAge <= 0 || cookie.MaxAge > int(12*time.Hour/time.Second) || strings.Contains(key, cookie.Value) || cookie.Domain != "" {
		t.Errorf("%d %s: %s", r.status, r.body, cookie)
	}
	session := "Cookie: " + cookie.Name + "=" + cookie.Value
	if access := as[web.Info](t, get(t, k.URL+"/api/v1/info", session)).Access; !access.Session || len(access.Scopes) != 1 {
		t.Errorf("%+v", access)
	}
	wantProblem(t, get(t, k.URL+"/api/v1/keys", session), http.StatusForbidden, "key-forbids")
	if r := get(t, k.URL+"/api/v1/collections/demo/images/boat-2/thumbnail", session); r.status != http.StatusOK {
		t.Errorf("a picture of the page: %d", r.status)
	}
	out := send(t, "DELETE", k.URL+"/api/v1/session", "", session)
	if out.status != http.StatusNoContent || cookieOf(t, out).MaxAge >= 0 || out.header.Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("%d %v", out.status, out.header)
	}
	wantProblem(t, get(t, k.URL+"/api/v1/info", session), http.StatusUnauthorized, "key-needed")
}

func TestSessionsAreRefused(t *testing.T) {
	k := newKeyring(t)
	revoked := k.make(t, nil, catalog.ScopeSearch)
	k.revoke(t, revoked)
	for label, key := range map[string]string{
		"nothing": " ", "a forged key": catalog.NewKeyText(), "a revoked key": revoked, "an expired key": k.expired(t, catalog.ScopeSearch),
	} {
		r := signIn(t, k, key)
		wantProblem(t, r, http.StatusUnauthorized, "key-refused")
		if r.header.Get("Set-Cookie") != "" || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %v", label, r.header)
		}
	}
	for _, origin := range []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"} {
		wantProblem(t, signIn(t, k, k.make(t, nil, catalog.ScopeSearch), origin), http.StatusForbidden, "cross-origin")
	}
	r := send(t, "POST", k.URL+"/api/v1/session", `{"key":"`+strings.Repeat("x", 8<<10)+`"}`, jsonType)
	wantProblem(t, r, http.StatusRequestEntityTooLarge, "too-large")
}

// TestSessionsEndWithTheKey, at once.
func TestSessionsEndWithTheKey(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeSearch)
	cookie := cookieOf(t, signIn(t, k, key))
	session := "Cookie: " + cookie.Name + "=" + cookie.Value
	k.revoke(t, key)
	wantProblem(t, get(t, k.URL+"/api/v1/info", session), http.StatusUnauthorized, "key-needed")
	short := k.make(t, func(key *catalog.Key) { key.Expires = time.Now().Add(time.Minute) }, catalog.ScopeSearch)
	if cookie := cookieOf(t, signIn(t, k, short)); cookie.MaxAge > 60 {
		t.Errorf("it lasts %d s, longer than its key", cookie.MaxAge)
	}
}

// TestCookiesOverTLS are sent over TLS alone, also where a proxy speaks it.
func TestCookiesOverTLS(t *testing.T) {
	k := newKeyring(t)
	cookie := cookieOf(t, signIn(t, k, k.make(t, nil, catalog.ScopeSearch), "X-Forwarded-Proto: https"))
	if !cookie.Secure || cookie.Name != "__Host-polylens-session" {
		t.Errorf("%s", cookie)
	}
	if r := get(t, k.URL+"/api/v1/info", "Cookie: "+cookie.Name+"="+cookie.Value); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
}
