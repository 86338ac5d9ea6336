package web_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"polylens/indexer/catalog"
	"polylens/web"
)

const annas = `{"field":"variant","eq":2}` // of each concept of the library, one picture

func sign(t testing.TB, key, filter string, collections []string, end time.Time) string {
	t.Helper()
	token, err := web.SignToken(key, []byte(filter), collections, end)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func soon() time.Time { return time.Now().Add(time.Hour) }

// TestTokensSeeTheirOwn: searches, pictures and what is known of them, all within the filter.
func TestTokensSeeTheirOwn(t *testing.T) {
	k := newKeyring(t)
	token := bearer(sign(t, k.make(t, nil, catalog.ScopeSearch), annas, []string{"demo"}, soon()))
	base := k.URL + "/api/v1/collections/demo"
	for _, query := range []string{"q=boat", "q=boat&group=content", "q=boat&filter=" + url.QueryEscape(`{"or":[{"field":"variant","ge":0},{"not":{"field":"x","eq":1}}]}`), "image=boat-2"} {
		var found struct{ Hits []web.Hit }
		r := get(t, base+"/search?limit=1000&"+query, token)
		if found = as[struct{ Hits []web.Hit }](t, r); r.status != http.StatusOK || len(found.Hits) == 0 {
			t.Errorf("%s: %d %s", query, r.status, r.body)
		}
		for _, hit := range found.Hits {
			if hit.Metadata["variant"] != 2.0 || len(hit.Copies) > 0 {
				t.Errorf("%s finds %s", query, hit.ID)
			}
		}
	}
	for path, status := range map[string]int{
		"/images/boat-2": 200, "/images/boat-2/thumbnail": 200, "/images/boat-2/original": 200, "/search?image=boat-2": 200,
		"/images/boat-1": 404, "/images/boat-1/thumbnail": 404, "/images/boat-1/original": 404, "/search?image=boat-1": 404,
		"/images/none-1": 404, "/images": 403, "": 403, "/failures": 403,
	} {
		if r := get(t, base+path, token); r.status != status {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.body, status)
		}
	}
	for body, status := range map[string]int{`{"q":"boat","limit":1000}`: 200, `{"image":"boat-2"}`: 200, `{"image":"boat-1"}`: 404} {
		if r := send(t, "POST", base+"/query", body, token, jsonType); r.status != status || strings.Contains(r.body, `"variant":1`) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r := send(t, "POST", base+"/search", get(t, base+"/images/boat-2/original", token).body, token, "Content-Type: image/png"); r.status != http.StatusOK || strings.Contains(r.body, `"variant":1`) {
		t.Errorf("by a picture: %d %s", r.status, r.body)
	}
}

// TestTokensDoNotTellTheHiddenFromTheMissing: whether there is an image that somebody may not
// see is nothing that they learn, neither by asking for it nor by searching with it.
func TestTokensDoNotTellTheHiddenFromTheMissing(t *testing.T) {
	k := newKeyring(t)
	token := bearer(sign(t, k.make(t, nil, catalog.ScopeSearch), annas, nil, soon()))
	base := k.URL + "/api/v1/collections/demo"
	for _, ask := range []func(id string) reply{
		func(id string) reply { return get(t, base+"/images/"+id, token) },
		func(id string) reply { return get(t, base+"/images/"+id+"/thumbnail", token) },
		func(id string) reply { return get(t, base+"/images/"+id+"/original", token) },
		func(id string) reply { return get(t, base+"/search?image="+id, token) },
		func(id string) reply { return get(t, base+"/search?group=content&image="+id, token) },
		func(id string) reply { return send(t, "POST", base+"/query", `{"image":"`+id+`"}`, token, jsonType) },
	} {
		hidden, missing := ask("boat-1"), ask("boat-9")
		if want := strings.ReplaceAll(missing.body, "boat-9", "boat-1"); hidden.status != http.StatusNotFound || hidden.status != missing.status || hidden.body != want {
			t.Errorf("hidden: %d %s, missing: %d %s", hidden.status, hidden.body, missing.status, missing.body)
		}
	}
}

// TestTokensAreForSearches alone.
func TestTokensAreForSearches(t *testing.T) {
	k := newKeyring(t)
	token := bearer(sign(t, k.make(t, nil, catalog.ScopeAdmin), annas, nil, soon()))
	may := []string{"search", "query", "search-by-picture", "get-image", "get-thumbnail", "get-original", "get-info", "describe-api"}
	for _, one := range append(everyOperation(t), elsewhere...) {
		if len(one.scopes) == 0 {
			continue
		}
		allowed := false
		for _, id := range may {
			allowed = allowed || one.id == id
		}
		if _, kind := one.ask(t, k, token); (kind == "") != allowed {
			t.Errorf("%s: %q", one.id, kind)
		}
	}
}

// forge makes a token of claims, signed in some way.
func forge(t *testing.T, method jwt.SigningMethod, kid any, claims jwt.MapClaims, key any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokensThatAreRefused(t *testing.T) {
	k := newKeyring(t)
	key, other := k.make(t, nil, catalog.ScopeSearch), k.make(t, nil, catalog.ScopeSearch)
	id, _ := catalog.KeyIDOf(key)
	secret := catalog.SigningSecret(key)
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		all := jwt.MapClaims{"filter": json.RawMessage(annas), "exp": soon().Unix()}
		change(all)
		return all
	}
	same := claims(func(jwt.MapClaims) {})
	if r := get(t, k.URL+"/api/v1/info", bearer(forge(t, jwt.SigningMethodHS256, id, same, secret))); r.status != http.StatusOK {
		t.Fatalf("the one that is good: %d %s", r.status, r.body)
	}
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(key))
	revoked := k.make(t, nil, catalog.ScopeSearch)
	k.revoke(t, revoked)
	good := forge(t, jwt.SigningMethodHS256, id, same, secret)
	parts := strings.Split(good, ".")
	wider := base64.RawURLEncoding.EncodeToString([]byte(`{"filter":{"or":[{"field":"variant","ge":0}]},"exp":9999999999}`))
	for label, token := range map[string]string{
		"no signature":      forge(t, jwt.SigningMethodNone, id, same, jwt.UnsafeAllowNoneSignatureType),
		"cut off":           parts[0] + "." + parts[1] + ".",
		"another filter":    parts[0] + "." + wider + "." + parts[2],
		"another algorithm": forge(t, jwt.SigningMethodHS512, id, same, secret),
		"a public key":      forge(t, jwt.SigningMethodRS256, id, same, pair),
		"another key's":     forge(t, jwt.SigningMethodHS256, id, same, catalog.SigningSecret(other)),
		"the hash":          forge(t, jwt.SigningMethodHS256, id, same, hash[:]),
		"the key itself":    forge(t, jwt.SigningMethodHS256, id, same, []byte(key)),
		"nothing":           forge(t, jwt.SigningMethodHS256, id, same, []byte{}),
		"an unknown key":    forge(t, jwt.SigningMethodHS256, "nothing", same, []byte{}),
		"no key":            forge(t, jwt.SigningMethodHS256, nil, same, []byte{}),
		"a list for a key":  forge(t, jwt.SigningMethodHS256, []string{id}, same, secret),
		"no end":            forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { delete(c, "exp") }), secret),
		"over":              forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Second).Unix() }), secret),
		"not yet":           forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { c["nbf"] = soon().Unix() }), secret),
		"no filter":         forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { delete(c, "filter") }), secret),
		"a filter of null":  forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { c["filter"] = nil }), secret),
		"a filter of text":  forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { c["filter"] = annas }), secret),
		"an empty filter":   forge(t, jwt.SigningMethodHS256, id, claims(func(c jwt.MapClaims) { c["filter"] = map[string]any{} }), secret),
		"of a revoked key":  sign(t, revoked, annas, nil, soon()),
		"of an expired key": sign(t, k.expired(t, catalog.ScopeSearch), annas, nil, soon()),
		"of another scope":  sign(t, k.make(t, nil, catalog.ScopeIndex), annas, nil, soon()),
		"very long":         good + strings.Repeat("A", 40<<10),
	} {
		r := get(t, k.URL+"/api/v1/collections/demo/search?q=boat", bearer(token))
		if r.status != http.StatusUnauthorized && r.status != http.StatusTooManyRequests {
			t.Errorf("%s: %d %.200s", label, r.status, r.body)
		}
	}
}

// TestTokensDoNotExceedTheirKey, whatever they say.
func TestTokensDoNotExceedTheirKey(t *testing.T) {
	k := newKeyring(t)
	limited := k.make(t, only("other"), catalog.ScopeSearch)
	for label, test := range map[string]struct {
		key         string
		collections []string
		status      int
	}{
		"its key's":           {limited, nil, http.StatusForbidden},
		"more than its key's": {limited, []string{"other", "demo"}, http.StatusForbidden},
		"none":                {k.make(t, nil, catalog.ScopeSearch), []string{"other"}, http.StatusForbidden},
		"one of all":          {k.make(t, nil, catalog.ScopeSearch), []string{"demo"}, http.StatusOK},
	} {
		r := get(t, k.URL+"/api/v1/collections/demo/search?q=boat", bearer(sign(t, test.key, annas, test.collections, soon())))
		if r.status != test.status {
			t.Errorf("%s: %d %s", label, r.status, r.body)
		}
	}
}

// FuzzToken: no text but the token itself is taken, and its secret signs no other.
func FuzzToken(f *testing.F) {
	key := catalog.NewKeyText()
	good := sign(f, key, annas, nil, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if err := web.CheckToken(t.Context(), key, token); (err == nil) != (token == good) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
