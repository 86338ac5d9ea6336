package web_test

import (
	"net/http"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// TestOneKeyTakesNotAllTurns: what lasts for hours has few places, and one key may not have
// all of them.
func TestOneKeyTakesNotAllTurns(t *testing.T) {
	k := newKeyring(t, func(c *web.Config) { c.Limits.Live, c.Limits.Patience = 4, 200*time.Millisecond })
	loud, quiet := k.make(t, nil, catalog.ScopeIndex), k.make(t, nil, catalog.ScopeIndex)
	header := func(key string) http.Header { return http.Header{"Authorization": {"Bearer " + key}} }
	for range 3 {
		listen(t, k, header(loud))
	}
	if connection, response := watch(t, k.Server, header(loud)); connection != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Error("one key has all places")
	}
	own := listen(t, k, header(quiet))
	own.Close()
	// What ends makes room for its own key.
	for end := time.Now().Add(20 * time.Second); ; {
		connection, response := watch(t, k.Server, header(quiet))
		if connection != nil {
			break
		}
		response.Body.Close()
		if time.Now().After(end) {
			t.Fatal("no place is free though one has ended")
		}
	}
}

// TestOneKeyHoldsNotAllBytes of bodies, but for a single large one.
func TestOneKeyHoldsNotAllBytes(t *testing.T) {
	begin := web.NewHolds(100)
	large := begin("a")
	if !large.Take(60) || !large.Take(40) || large.Take(1) {
		t.Error("a single request may have all, and no more")
	}
	large.GiveBack()
	first, second, other, nobody := begin("a"), begin("a"), begin("b"), begin("")
	if !first.Take(50) || second.Take(26) || !second.Take(25) || first.Take(1) {
		t.Error("two of one key have three quarters at most")
	}
	if !other.Take(20) || !nobody.Take(5) || nobody.Take(1) {
		t.Error("the rest is for others")
	}
	for _, one := range []web.Hold{first, second, other, nobody} {
		one.GiveBack()
	}
	if again := begin("c"); !again.Take(100) {
		t.Error("not all was given back")
	}
}
