package folder_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/app/folder"
)

// TestTake: one holder at a time, whose card others see, and nothing of it is
// left behind.
func TestTake(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new")
	held, _, err := folder.Take(data, "serve")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	if err := held.Announce(server.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	_, card, err := folder.Take(data, "index")
	if !errors.Is(err, folder.ErrInUse) || !strings.Contains(err.Error(), "polylens serve") || card.PID != os.Getpid() || !card.Alive(t.Context()) {
		t.Errorf("a second process gets %+v, %v", card, err)
	}
	server.Close()
	if card.Alive(t.Context()) {
		t.Error("a server that has ended counts as alive")
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, card, err = folder.Take(data, "index")
	if err != nil || card.Address != "" {
		t.Errorf("after the first: %+v, %v", card, err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTakeSweeps: a card that a killed server left behind does not count.
func TestTakeSweeps(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "serve.json"), []byte(`{"pid":1,"address":"127.0.0.1:1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	held, _, err := folder.Take(data, "doctor")
	if err != nil {
		t.Fatal(err)
	}
	if _, card, _ := folder.Take(data, "index"); card.Address != "" {
		t.Errorf("the card of a process that is gone counts: %+v", card)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
