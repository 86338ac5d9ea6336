package relaytest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"polylens/internal/relaytest"
)

// TestRelay: what is asked through it is answered, late while it is slow, not while it is
// shut, and not where it was cut in the middle.
func TestRelay(t *testing.T) {
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		if r.URL.Path == "/waits" {
			<-r.Context().Done()
		}
		_, _ = io.WriteString(w, "here")
	}))
	defer server.Close()
	relay := relaytest.Start(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(server.URL, "http://"))
	})
	get := func(path string) error {
		answer, err := http.Get("http://" + relay.Address + path)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := get("/"); err != nil {
		t.Error(err)
	}
	<-asked
	relay.Slow(50 * time.Millisecond)
	began := time.Now()
	if err := get("/"); err != nil || time.Since(began) < 100*time.Millisecond {
		t.Errorf("slow: %v after %v", err, time.Since(began))
	}
	<-asked
	relay.Slow(0)
	go func() { <-asked; relay.Drop() }()
	if err := get("/waits"); err == nil {
		t.Error("what was cut is answered")
	}
	relay.Shut(true)
	if err := get("/"); err == nil {
		t.Error("it answers though it is shut")
	}
	relay.Shut(false)
	if err := get("/"); err != nil {
		t.Error(err)
	}
}
