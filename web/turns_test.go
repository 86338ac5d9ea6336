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
