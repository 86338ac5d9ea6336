package web_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

// TestSignInsCount as every other request of their key does.
func TestSignInsCount(t *testing.T) {
	k := newKeyring(t, func(c *web.Config) { c.Rate = web.Rate{PerSecond: 0.001, Burst: 3} })
	key := k.make(t, nil, catalog.ScopeSearch)
	for n := range 3 {
		if r := signIn(t, k, key); r.status != http.StatusOK {
			t.Errorf("sign-in %d: %d %s", n+1, r.status, r.body)
		}
	}
	r := signIn(t, k, key)
	wantProblem(t, r, http.StatusTooManyRequests, "too-many-requests")
	if r.header.Get("Set-Cookie") != "" || r.header.Get("Retry-After") == "" {
		t.Errorf("%v", r.header)
	}
	if r := signIn(t, k, k.make(t, nil, catalog.ScopeSearch)); r.status != http.StatusOK {
		t.Errorf("another key: %d %s", r.status, r.body)
	}
}

// TestSessionsOfOneKeyPutOutNoOthers, however many there are.
func TestSessionsOfOneKeyPutOutNoOthers(t *testing.T) {
	many := web.NewSessions()
	quiet := many.Begin("quiet")
	loud := make([]string, 20_000)
	for n := range loud {
		loud[n] = many.Begin("loud")
	}
	if !many.Has(quiet) || many.Has(loud[0]) || !many.Has(loud[len(loud)-1]) {
		t.Errorf("the other key's session is there: %t, the oldest of this key: %t, its newest: %t", many.Has(quiet), many.Has(loud[0]), many.Has(loud[len(loud)-1]))
	}
	// Of many keys those lose theirs that have the most.
	for key := range 60 {
		for range 500 {
			many.Begin(strings.Repeat("k", key+1))
		}
	}
	if !many.Has(quiet) || many.Count() > 10_000 {
		t.Errorf("the one session of a key is there: %t, beside %d", many.Has(quiet), many.Count())
	}
}

// listen opens live news of jobs with some headers, and reads how they begin.
func listen(t *testing.T, k keyring, header http.Header) *websocket.Conn {
	t.Helper()
	connection, _ := watch(t, k.Server, header)
	if connection == nil {
		t.Fatal("refused")
	}
	next(t, connection)
	return connection
}

// TestSigningOutEndsLiveNews of that session, and of no other.
func TestSigningOutEndsLiveNews(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeIndex)
	first, second := cookieOf(t, signIn(t, k, key)), cookieOf(t, signIn(t, k, key))
	header := func(cookie *http.Cookie) http.Header {
		return http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Origin": {k.URL}}
	}
	ended, stays := listen(t, k, header(first)), listen(t, k, header(second))
	withKey := listen(t, k, http.Header{"Authorization": {"Bearer " + key}})
	if r := send(t, "DELETE", k.URL+"/api/v1/session", "", "Cookie: "+first.Name+"="+first.Value); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if _, _, err := ended.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("after signing out: %v", err)
	}
	if _, err := k.Jobs.Check(t.Context(), indexer.CheckOrder{Collection: "demo", Kind: "check"}); err != nil {
		t.Fatal(err)
	}
	for label, connection := range map[string]*websocket.Conn{"the other session": stays, "the key itself": withKey} {
		if _, _, err := connection.ReadMessage(); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
}

// TestPushesEndWithTheKey: they may take hours.
func TestPushesEndWithTheKey(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeIndex)
	lines, write := io.Pipe()
	defer write.Close()
	request, err := http.NewRequestWithContext(t.Context(), "POST", k.URL+"/api/v1/collections/demo/jobs", lines)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/x-ndjson")
	go func() {
		for n := 0; ; n++ {
			if _, err := write.Write([]byte(`{"op":"delete","id":"` + strings.Repeat("x", 2000) + "\"}\n")); err != nil {
				return
			}
			if n == 20 {
				k.revoke(t, key)
			}
			time.Sleep(10 * time.Millisecond)
			if n == 3000 { // the server has not noticed
				write.Close()
				return
			}
		}
	}()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a push goes on with a revoked key: %d", response.StatusCode)
	}
}

type keyStore interface{ web.Keys }

// slowKeys is a catalogue that does not say whether there are keys.
type slowKeys struct {
	keyStore
	asked atomic.Int32
	held  chan struct{}
}

func (s *slowKeys) AnyKey(ctx context.Context) (bool, error) {
	s.asked.Add(1)
	select {
	case <-s.held:
	case <-ctx.Done():
	}
	return false, ctx.Err()
}

// TestNobodyAdmittedWaitsForTheCatalogue to open the page.
func TestNobodyAdmittedWaitsForTheCatalogue(t *testing.T) {
	slow := &slowKeys{held: make(chan struct{})}
	close(slow.held)
	k := newKeyring(t, func(c *web.Config) { slow.keyStore, c.Keys, c.Guests.Keys = c.Keys, slow, false })
	for _, path := range []string{"/", "/deep/link", "/healthz"} {
		if r := get(t, k.URL+path); r.status != http.StatusOK || slow.asked.Load() != 0 {
			t.Errorf("%s: %d, the catalogue was asked %d times", path, r.status, slow.asked.Load())
		}
	}
	if r := signIn(t, k, k.make(t, nil, catalog.ScopeSearch)); r.status != http.StatusOK || slow.asked.Load() != 0 {
		t.Errorf("signing in: %d %s, the catalogue was asked %d times", r.status, r.body, slow.asked.Load())
	}
}

// TestStrangersDoNotQueue behind one for whom the catalogue is asked.
func TestStrangersDoNotQueue(t *testing.T) {
	slow := &slowKeys{held: make(chan struct{})}
	k := newKeyring(t, from(stranger), func(c *web.Config) { slow.keyStore, c.Keys, c.Guests.Keys = c.Keys, slow, false })
	first := make(chan struct{})
	go func() { defer close(first); get(t, k.URL+"/") }()
	for slow.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	wantProblem(t, get(t, k.URL+"/"), http.StatusForbidden, "other-user")
	select {
	case <-first:
		t.Error("the second had to wait for the first")
	default:
	}
	close(slow.held)
	<-first
}
