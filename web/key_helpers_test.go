package web_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/web"
	"polylens/web/webtest"
)

// keyring is a server that asks everybody for a key, also its own user, with the real
// catalogue of keys.
type keyring struct {
	*webtest.Server
	store *database.Store
}

func newKeyring(t *testing.T, change ...func(*web.Config)) keyring {
	t.Helper()
	store, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() }) // after the server's end
	keyed := func(c *web.Config) { c.Guests.Keys, c.Keys = true, store }
	return keyring{webtest.NewServer(t, append([]func(*web.Config){from(os.Geteuid()), keyed}, change...)...), store}
}

// make adds a key and returns its text.
func (k keyring) make(t *testing.T, change func(*catalog.Key), scopes ...catalog.Scope) string {
	t.Helper()
	key, text := catalog.Key{Name: "test", Scopes: scopes}, catalog.NewKeyText()
	key.SetText(text)
	if change != nil {
		change(&key)
	}
	if _, err := k.store.CreateKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return text
}

func (k keyring) revoke(t *testing.T, text string) {
	t.Helper()
	id, _ := catalog.KeyIDOf(text)
	if _, err := k.store.RevokeKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// expired is a key whose end has come.
func (k keyring) expired(t *testing.T, scopes ...catalog.Scope) string {
	t.Helper()
	text := k.make(t, func(key *catalog.Key) { key.Expires = time.Now().Add(20 * time.Millisecond) }, scopes...)
	time.Sleep(40 * time.Millisecond)
	return text
}

func only(collections ...string) func(*catalog.Key) {
	return func(key *catalog.Key) { key.Collections = collections }
}

func bearer(key string) string { return "Authorization: Bearer " + key }
