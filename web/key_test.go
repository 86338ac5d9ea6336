package web_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

func createKey(t *testing.T, k keyring, maker, body string) reply {
	t.Helper()
	return send(t, "POST", k.URL+"/api/v1/keys", body, bearer(maker), jsonType)
}

// TestKeysOfTheAPI: made, shown once, used, listed and revoked.
func TestKeysOfTheAPI(t *testing.T) {
	k := newKeyring(t)
	admin := k.make(t, nil, catalog.ScopeAdmin)
	r := createKey(t, k, admin, `{"name":"frame","scopes":["search","search"],"collections":["demo"],"rate":{"per_second":2.5}}`)
	made := as[web.NewKey](t, r)
	adminID, _ := catalog.KeyIDOf(admin)
	if r.status != http.StatusCreated || made.Key.Creator != adminID || len(made.Key.Scopes) != 1 || made.Key.Rate.Burst != 3 || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s %v", r.status, r.body, r.header)
	}
	if r := get(t, k.URL+"/api/v1/collections/demo/search?q=boat", bearer(made.Secret)); r.status != http.StatusOK {
		t.Errorf("the new key: %d %s", r.status, r.body)
	}
	listed := get(t, k.URL+"/api/v1/keys", bearer(admin))
	if !strings.Contains(listed.body, made.Key.ID) || strings.Contains(listed.body, made.Secret) {
		t.Errorf("listed as %s", listed.body)
	}
	if r := send(t, "DELETE", k.URL+"/api/v1/keys/"+made.Key.ID, "", bearer(admin)); r.status != http.StatusOK || as[web.Key](t, r).State != "revoked" {
		t.Errorf("%d %s", r.status, r.body)
	}
	wantProblem(t, get(t, k.URL+"/api/v1/collections/demo/search?q=boat", bearer(made.Secret)), http.StatusUnauthorized, "key-refused")
	wantProblem(t, send(t, "DELETE", k.URL+"/api/v1/keys/nothing", "", bearer(admin)), http.StatusNotFound, "not-found")
}

// TestKeysRaiseNoRights, neither by making keys nor by those of others.
func TestKeysRaiseNoRights(t *testing.T) {
	k := newKeyring(t)
	end := time.Now().Add(time.Hour).UTC()
	limited := k.make(t, func(key *catalog.Key) { key.Collections, key.Expires, key.Rate, key.Burst = []string{"a"}, end, 50, 50 }, catalog.ScopeAdmin)
	in := end.Format(time.RFC3339)
	good := fmt.Sprintf(`{"name":"x","scopes":["admin"],"collections":["a"],"expires":%q,"rate":{"per_second":50,"burst":50}}`, in)
	for label, change := range map[string][2]string{
		"all collections":   {`"collections":["a"],`, ""},
		"others":            {`["a"]`, `["a","b"]`},
		"for ever":          {fmt.Sprintf(`"expires":%q,`, in), ""},
		"longer":            {in, end.Add(time.Minute).Format(time.RFC3339)},
		"faster":            {`"per_second":50`, `"per_second":51`},
		"by default":        {`,"rate":{"per_second":50,"burst":50}`, ""},
		"with more at once": {`"burst":50`, `"burst":51`},
	} {
		body := strings.Replace(good, change[0], change[1], 1)
		if body == good {
			t.Fatalf("%s changes nothing", label)
		}
		wantProblem(t, createKey(t, k, limited, body), http.StatusForbidden, "key-forbids")
	}
	if r := createKey(t, k, limited, good); r.status != http.StatusCreated {
		t.Errorf("its equal: %d %s", r.status, r.body)
	}
	all := k.make(t, nil, catalog.ScopeSearch)
	other := k.make(t, only("b"), catalog.ScopeSearch)
	listed := get(t, k.URL+"/api/v1/keys", bearer(limited))
	for _, key := range []string{all, other} {
		id, _ := catalog.KeyIDOf(key)
		if strings.Contains(listed.body, id) {
			t.Errorf("it sees a key beyond its rights: %s", listed.body)
		}
		wantProblem(t, send(t, "DELETE", k.URL+"/api/v1/keys/"+id, "", bearer(limited)), http.StatusNotFound, "not-found")
	}
}

func TestKeysThatMakeNoSense(t *testing.T) {
	k := newKeyring(t)
	admin := k.make(t, nil, catalog.ScopeAdmin)
	for _, body := range []string{
		`{"scopes":["search"]}`, `{"name":"","scopes":["search"]}`, `{"name":"x","scopes":[]}`, `{"name":"x"}`, `{"name":"x","scopes":["root"]}`,
		`{"name":"x","scopes":["search"],"collections":[]}`, `{"name":"x","scopes":["search"],"collections":["A B"]}`,
		`{"name":"x","scopes":["search"],"expires":"2001-01-01T00:00:00Z"}`, `{"name":"x","scopes":["search"],"rate":{"per_second":0}}`,
		`{"name":"x","scopes":["search"],"rate":{"per_second":1,"burst":-1}}`, `{"name":"x\ny","scopes":["search"]}`, `{"name":"x","scopes":["search"],"id":"mine"}`,
	} {
		if r := createKey(t, k, admin, body); r.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
}

// TestAnswersAreKeptForTheirOwnKey: an Idempotency-Key repeats nobody else's answer.
func TestAnswersAreKeptForTheirOwnKey(t *testing.T) {
	k := newKeyring(t)
	first, second := k.make(t, nil, catalog.ScopeIndex), k.make(t, nil, catalog.ScopeIndex)
	create := func(key string) int {
		return send(t, "POST", k.URL+"/api/v1/collections", `{"name":"mine"}`, bearer(key), jsonType, "Idempotency-Key: 1").status
	}
	if got := [3]int{create(first), create(first), create(second)}; got != [3]int{http.StatusCreated, http.StatusCreated, http.StatusConflict} {
		t.Errorf("got %v", got)
	}
}

// TestUseIsNoted in the background.
func TestUseIsNoted(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeSearch)
	id, _ := catalog.KeyIDOf(key)
	get(t, k.URL+"/api/v1/info", bearer(key))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		found, err := k.store.Key(t.Context(), id)
		if err == nil && !found.Used.IsZero() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", found, err)
		}
	}
}

func TestRates(t *testing.T) {
	k := newKeyring(t, func(c *web.Config) { c.Rate = web.Rate{PerSecond: 0.001, Burst: 5} })
	slow := k.make(t, func(key *catalog.Key) { key.Rate, key.Burst = 0.001, 2 }, catalog.ScopeSearch)
	for label, test := range map[string]struct {
		key  string
		many int
	}{"its own limit": {slow, 2}, "the default": {k.make(t, nil, catalog.ScopeSearch), 5}} {
		for n := range test.many {
			if r := get(t, k.URL+"/api/v1/info", bearer(test.key)); r.status != http.StatusOK {
				t.Errorf("%s: request %d gets %d", label, n+1, r.status)
			}
		}
		r := get(t, k.URL+"/api/v1/info", bearer(test.key))
		wantProblem(t, r, http.StatusTooManyRequests, "too-many-requests")
		if after := r.header.Get("Retry-After"); len(after) < 3 {
			t.Errorf("%s: Retry-After is %q", label, after)
		}
	}
}

// TestWrongKeysAreLimited, and keep no right one out.
func TestWrongKeysAreLimited(t *testing.T) {
	k := newKeyring(t)
	right := k.make(t, nil, catalog.ScopeSearch)
	statuses := map[int]int{}
	for range 40 {
		statuses[get(t, k.URL+"/api/v1/info", bearer(catalog.NewKeyText())).status]++
	}
	if statuses[http.StatusUnauthorized] < 20 || statuses[http.StatusTooManyRequests] == 0 || len(statuses) != 2 {
		t.Errorf("got %v", statuses)
	}
	r := get(t, k.URL+"/api/v1/info", bearer("x"))
	wantProblem(t, r, http.StatusTooManyRequests, "too-many-requests")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if r := get(t, k.URL+"/api/v1/info", bearer(right)); r.status != http.StatusOK {
		t.Errorf("the right key gets %d", r.status)
	}
}

// TestOthersComeInWithAKey on a server of the loopback interface, whose own user needs none.
func TestOthersComeInWithAKey(t *testing.T) {
	k := newKeyring(t, from(stranger), func(c *web.Config) { c.Guests.Keys = false })
	wantProblem(t, get(t, k.URL+"/api/v1/info"), http.StatusForbidden, "other-user")
	wantProblem(t, get(t, k.URL+"/"), http.StatusForbidden, "other-user")
	key := k.make(t, nil, catalog.ScopeSearch)
	if r := get(t, k.URL+"/api/v1/info", bearer(key)); r.status != http.StatusOK {
		t.Errorf("with a key: %d %s", r.status, r.body)
	}
	deadline := time.Now().Add(10 * time.Second)
	for get(t, k.URL+"/").status != http.StatusOK { // that there are keys is known a moment later
		if time.Now().After(deadline) {
			t.Fatal("the page that asks for a key is not shown")
		}
		time.Sleep(50 * time.Millisecond)
	}
	wantProblem(t, get(t, k.URL+"/api/v1/info"), http.StatusUnauthorized, "key-needed")
	k.revoke(t, key)
	for get(t, k.URL+"/").status != http.StatusForbidden {
		if time.Now().After(deadline) {
			t.Fatal("the page is shown though there is no key any more")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestOwnUserNarrowsItself: who shows a key is what the key says, whoever it is.
func TestOwnUserNarrowsItself(t *testing.T) {
	k := newKeyring(t, from(os.Geteuid()), func(c *web.Config) { c.Guests.Keys = false })
	if r := get(t, k.URL+"/api/v1/keys"); r.status != http.StatusOK {
		t.Errorf("without a key: %d %s", r.status, r.body)
	}
	wantProblem(t, get(t, k.URL+"/api/v1/keys", bearer(k.make(t, nil, catalog.ScopeSearch))), http.StatusForbidden, "key-forbids")
	wantProblem(t, get(t, k.URL+"/api/v1/info", bearer("wrong")), http.StatusUnauthorized, "key-refused")
	if r := get(t, k.URL+"/api/v1/info", "Authorization: Basic cm9vdDpyb290"); r.status != http.StatusOK {
		t.Errorf("what a proxy asked for: %d %s", r.status, r.body)
	}
}

// TestLiveNewsEndWithTheKey, and are of its collections alone.
func TestLiveNewsEndWithTheKey(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, only("mine"), catalog.ScopeIndex)
	url := "ws" + strings.TrimPrefix(k.URL, "http") + "/api/v1/jobs/events"
	for _, headers := range []http.Header{nil, {"Authorization": {"Bearer " + k.make(t, nil, catalog.ScopeSearch)}}} {
		if connection, response, err := websocket.DefaultDialer.Dial(url, headers); err == nil {
			connection.Close()
			t.Errorf("%v may listen", headers)
		} else if response.StatusCode != http.StatusUnauthorized && response.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %d", headers, response.StatusCode)
		}
	}
	connection, _, err := websocket.DefaultDialer.Dial(url, http.Header{"Authorization": {"Bearer " + key}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	var news strings.Builder
	read := func() error {
		_ = connection.SetReadDeadline(time.Now().Add(20 * time.Second))
		_, message, err := connection.ReadMessage()
		news.Write(message)
		return err
	}
	if err := read(); err != nil { // the present state
		t.Fatal(err)
	}
	_, err = k.Jobs.Check(t.Context(), indexer.CheckOrder{Collection: "demo", Kind: "check"})
	if _, failed := k.Library.Indexer().CreateCollection(t.Context(), "mine", 0, catalog.OriginalsKept); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	if _, err := k.Jobs.Check(t.Context(), indexer.CheckOrder{Collection: "mine", Kind: "check"}); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil || strings.Contains(news.String(), `"demo"`) || !strings.Contains(news.String(), `"mine"`) {
		t.Errorf("%v, told %s", err, news.String())
	}
	k.revoke(t, key)
	for err = nil; err == nil; {
		err = read()
	}
	if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("after the key was revoked: %v", err)
	}
}
