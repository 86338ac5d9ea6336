package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/search"
	"polylens/web"
	"polylens/web/webtest"
)

// waiting answers a search once it may.
type waiting struct {
	web.Searcher
	entered chan struct{}
	release chan struct{}
}

func (w waiting) ByText(ctx context.Context, collection, text string, options search.Options) (search.Results, error) {
	w.entered <- struct{}{}
	<-w.release
	return w.Searcher.ByText(ctx, collection, text, options)
}

// Requests of one kind wait for their turn and are refused when it does not come; those
// of other kinds go on.
func TestRequestsWaitForTheirTurn(t *testing.T) {
	held := waiting{entered: make(chan struct{}, 1), release: make(chan struct{})}
	server := webtest.NewServer(t, func(c *web.Config) {
		held.Searcher = c.Search
		c.Search = held
		c.Limits.Searches, c.Limits.Patience = 1, 100*time.Millisecond
	})
	seek := func() reply { return get(t, searchURL(server, url.Values{"q": {"house"}})) }
	var first reply
	var running sync.WaitGroup
	running.Go(func() { first = seek() })
	<-held.entered
	refused := seek()
	wantProblem(t, refused, http.StatusServiceUnavailable, "busy")
	if refused.header.Get("Retry-After") == "" {
		t.Error("the client is not told when to ask again")
	}
	for _, path := range []string{"/api/v1/collections", "/api/v1/collections/demo/images/boat-2/thumbnail", "/readyz", "/openapi.json", "/"} {
		if r := get(t, server.URL+path); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	held.release <- struct{}{}
	running.Wait()
	if first.status != http.StatusOK {
		t.Errorf("the first: %d %s", first.status, first.body)
	}
	running.Go(func() { first = seek() })
	<-held.entered
	held.release <- struct{}{}
	running.Wait()
	if first.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", first.status, first.body)
	}
}

// Live connections are counted, too.
func TestLiveConnectionsAreCounted(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Limits.Live, c.Limits.Patience = 2, 50*time.Millisecond })
	address := "ws" + server.URL[len("http"):] + "/api/v1/jobs/events"
	for range 2 {
		connection, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
	}
	wantProblem(t, get(t, server.URL+"/api/v1/runs/events", "Connection: Upgrade", "Upgrade: websocket"), http.StatusServiceUnavailable, "busy")
}

// What goes beyond the connections that there may be is closed, until others are.
func TestConnectionsAreCounted(t *testing.T) {
	const most = 3
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = web.LimitConnections(most)
	server.Start()
	defer server.Close()
	answers := func(connection net.Conn) bool {
		t.Helper()
		_, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		_ = connection.SetReadDeadline(time.Now().Add(30 * time.Second))
		n, missing := connection.Read(make([]byte, 1))
		return err == nil && missing == nil && n == 1
	}
	connect := func() net.Conn {
		t.Helper()
		var dialer net.Dialer
		connection, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		return connection
	}
	var open []net.Conn
	for range most {
		one := connect()
		if !answers(one) {
			t.Error("one of the first is closed")
		}
		open = append(open, one)
	}
	if answers(connect()) {
		t.Error("there is one too many")
	}
	open[0].Close()
	eventually(t, func() bool { return answers(connect()) })
}
