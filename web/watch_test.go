package web_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/indexer"
	"polylens/web"
	"polylens/web/webtest"
)

type event struct {
	Jobs []web.Job `json:"jobs"`
	Job  *web.Job  `json:"job"`
}

// watch connects to the live progress of a server.
func watch(t *testing.T, server *webtest.Server, header http.Header) (*websocket.Conn, *http.Response) {
	t.Helper()
	connection, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/jobs/events", header)
	if err != nil {
		return nil, response
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return connection, response
}

func next(t *testing.T, connection *websocket.Conn) event {
	t.Helper()
	var e event
	if err := connection.ReadJSON(&e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestProgressArrivesLive(t *testing.T) {
	server := webtest.NewServer(t)
	first, err := server.Jobs.Index(t.Context(), "before", indexer.JobParams{Directory: "/"})
	if err != nil {
		t.Fatal(err)
	}
	connection, _ := watch(t, server, nil)
	if begin := next(t, connection); len(begin.Jobs) != 1 || begin.Jobs[0].ID != first.ID || begin.Jobs[0].Failures == nil {
		t.Fatalf("begins with %+v", begin)
	}
	second, err := server.Jobs.Index(t.Context(), "after", indexer.JobParams{Directory: "/"})
	if err != nil {
		t.Fatal(err)
	}
	done, messages := 0, 0
	for {
		e := next(t, connection)
		if e.Job == nil {
			t.Fatalf("got %+v", e)
		}
		if e.Job.ID != second.ID {
			continue
		}
		messages++
		if e.Job.Progress.Done < done {
			t.Errorf("progress went back from %d to %d", done, e.Job.Progress.Done)
		}
		done = e.Job.Progress.Done
		if e.Job.State.Finished() {
			break
		}
	}
	if done != 60 || messages < 4 || messages > 60 {
		t.Errorf("%d pictures were told of in %d messages", done, messages)
	}
}

func TestLiveConnectionsOfOtherOriginsAreRefused(t *testing.T) {
	server := webtest.NewServer(t)
	host := strings.TrimPrefix(server.URL, "http://")
	for origin, allowed := range map[string]bool{
		"http://" + host: true, "http://evil.example": false, "null": false, "http://localhost:1": false, "://": false, "": false,
	} {
		connection, response := watch(t, server, http.Header{"Origin": {origin}})
		if (connection != nil) != allowed {
			t.Errorf("origin %q: %s", origin, response.Status)
		}
		if response != nil {
			response.Body.Close()
		}
	}
}

func TestChattyClientIsCutOff(t *testing.T) {
	server := webtest.NewServer(t)
	connection, _ := watch(t, server, nil)
	next(t, connection)
	if err := connection.WriteMessage(websocket.TextMessage, make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := connection.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig, websocket.CloseGoingAway, websocket.CloseAbnormalClosure) {
		t.Errorf("got %v", err)
	}
}

func TestMessagesThatAreNoTextAreRefused(t *testing.T) {
	server := webtest.NewServer(t)
	for _, message := range []string{"gr\xf6\xdfer", "a\x00"} {
		connection, _ := watch(t, server, nil)
		next(t, connection)
		if err := connection.WriteMessage(websocket.TextMessage, []byte("größer")); err != nil {
			t.Fatal(err)
		}
		if err := connection.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := connection.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseInvalidFramePayloadData) {
			t.Errorf("%q: got %v", message, err)
		}
	}
}

// TestSlowAndVanishingClients: publishing never waits, whatever watchers do.
func TestSlowAndVanishingClients(t *testing.T) {
	server := webtest.NewServer(t)
	if connection, _ := watch(t, server, nil); connection == nil { // never reads
		t.Fatal("no connection")
	}
	var watching sync.WaitGroup
	for range 8 {
		watching.Go(func() {
			connection, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/jobs/events", nil)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			for range 3 {
				var e event
				if err := connection.ReadJSON(&e); err != nil {
					t.Error(err)
				}
			}
			connection.UnderlyingConn().Close() // without a goodbye
		})
	}
	for n := range 200 {
		if _, err := server.Jobs.Index(t.Context(), fmt.Sprintf("c%d", n%3), indexer.JobParams{Directory: "/"}); err != nil {
			t.Fatal(err)
		}
	}
	watching.Wait()
}

func TestServeEndsInOrder(t *testing.T) {
	server := webtest.NewServer(t) // its parts, served by web.Serve this time
	handler, err := web.New(webtest.Config(server.Library, server.Jobs))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, handler, slog.New(slog.DiscardHandler), web.Door{Listener: listener}) }()
	connection, _ := watch(t, &webtest.Server{URL: "http://" + listener.Addr().String()}, nil)
	next(t, connection)
	stop()
	if _, _, err := connection.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the live connection ended with %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
	if _, err := net.DialTimeout("tcp", listener.Addr().String(), time.Second); err == nil {
		t.Error("the port is still open")
	}
}

// TestLiveConnectionsOverTLS are for pages that came over it: anybody on the way can make one
// of the same host that did not.
func TestLiveConnectionsOverTLS(t *testing.T) {
	for _, test := range []struct {
		origins []string
		allowed bool
	}{
		{nil, true}, {[]string{"https://photos.test"}, true}, {[]string{"http://photos.test"}, false},
		{[]string{"https://photos.test", "https://evil.example"}, false}, {[]string{""}, false}, {[]string{"https://photos.test:444"}, false},
	} {
		r := &http.Request{Host: "photos.test", Header: http.Header{"Origin": test.origins}, TLS: &tls.ConnectionState{}}
		if web.SameHost(r) != test.allowed {
			t.Errorf("%q", test.origins)
		}
	}
}
