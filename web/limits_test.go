package web_test

import (
	"context"
	"fmt"
	"image"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/indexer"
	"polylens/indexer/catalog"
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

// crowdedPictures are thumbnails whose turn does not come.
type crowdedPictures struct{ web.Pictures }

func (crowdedPictures) Thumbnail(context.Context, string, string, int) (indexer.Thumbnail, error) {
	return indexer.Thumbnail{}, fmt.Errorf("thumbnail of a.png: %w", catalog.ErrBusy)
}

// What waited for a turn to decode until its time was over, or has no memory to decode in,
// is asked to come back.
func TestDecodersAreBusy(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) {
		c.Pictures = crowdedPictures{c.Pictures}
		c.Decode = func(context.Context, []byte) (image.Image, func(), error) { return nil, func() {}, catalog.ErrBusy }
	})
	for _, answer := range []reply{
		get(t, server.URL+"/api/v1/collections/demo/images/boat-2/thumbnail"),
		send(t, http.MethodPost, server.URL+searchPath, string(webtest.EncodePNG(image.NewGray(image.Rect(0, 0, 8, 8))))),
	} {
		wantProblem(t, answer, http.StatusServiceUnavailable, "busy")
		if answer.header.Get("Retry-After") == "" {
			t.Error("the client is not told when to ask again")
		}
	}
}

// A picture that was sent counts as decoded until it has been searched for.
func TestUploadsHoldTheirMemory(t *testing.T) {
	var inUse atomic.Int32
	server := webtest.NewServer(t, func(c *web.Config) {
		decode := c.Decode
		c.Decode = func(ctx context.Context, file []byte) (image.Image, func(), error) {
			picture, _, err := decode(ctx, file)
			inUse.Add(1)
			return picture, func() { inUse.Add(-1) }, err
		}
		c.Search = holding{c.Search, func() {
			if inUse.Load() != 1 {
				t.Errorf("%d pictures are in use while one is searched for", inUse.Load())
			}
		}}
	})
	for body, status := range map[string]int{
		string(webtest.EncodePNG(image.NewGray(image.Rect(0, 0, 8, 8)))): http.StatusOK,
		"no picture": http.StatusUnprocessableEntity,
	} {
		if answer := send(t, http.MethodPost, server.URL+searchPath, body); answer.status != status {
			t.Errorf("%d %s", answer.status, answer.body)
		}
		if inUse.Load() != 0 {
			t.Errorf("%d pictures stay in use", inUse.Load())
		}
	}
}

// holding calls look when a picture is searched for.
type holding struct {
	web.Searcher
	look func()
}

func (h holding) ByPicture(ctx context.Context, collection string, picture image.Image, options search.Options) (search.Results, error) {
	h.look()
	return h.Searcher.ByPicture(ctx, collection, picture, options)
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

// counted is a server that has few connections, and tells them from strangers'.
type counted struct {
	*httptest.Server
	stranger atomic.Bool // whether those who come are
}

func newCounted(t *testing.T, most, mostStrangers int, change ...func(*web.Config)) *counted {
	t.Helper()
	c := new(counted)
	library := webtest.NewLibrary()
	jobs := webtest.NewJobs(library, 30*time.Millisecond)
	config := webtest.Config(library, jobs)
	config.Owner = func(net.Conn) (int, error) {
		if c.stranger.Load() {
			return 65534, nil
		}
		return os.Geteuid(), nil
	}
	for _, alter := range change {
		alter(&config)
	}
	handler, err := web.New(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Server = httptest.NewUnstartedServer(handler)
	web.CountConnections(c.Config, handler, most, mostStrangers)
	c.Start()
	t.Cleanup(func() { c.Close(); jobs.Close(); handler.Close() })
	return c
}

func (c *counted) connect(t *testing.T) net.Conn {
	t.Helper()
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "tcp", c.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// asked is the status of an answer, "" if there is none.
func asked(connection net.Conn) string { return askedFor(connection, "/healthz", "") }

// askedFor is asked for a path, with a key if it is not empty.
func askedFor(connection net.Conn, path, key string) string {
	request := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n"
	if key != "" {
		request += bearer(key) + "\r\n"
	}
	_, err := io.WriteString(connection, request+"\r\n")
	_ = connection.SetReadDeadline(time.Now().Add(30 * time.Second))
	line := make([]byte, len("HTTP/1.1 200"))
	if _, missing := io.ReadFull(connection, line); err != nil || missing != nil {
		return ""
	}
	return string(line[len("HTTP/1.1 "):])
}

// What goes beyond the connections that there may be is refused, until others are closed.
func TestConnectionsAreCounted(t *testing.T) {
	const most = 3
	server := newCounted(t, most, 1)
	var open []net.Conn
	for range most {
		one := server.connect(t)
		if got := asked(one); got != "200" {
			t.Errorf("one of the first is answered %q", got)
		}
		open = append(open, one)
	}
	if got := asked(server.connect(t)); got != "503" && got != "" { // it may be closed before the answer is read
		t.Errorf("one too many is answered %q", got)
	}
	open[0].Close()
	eventually(t, func() bool { return asked(server.connect(t)) == "200" })
}

// Strangers have connections of their own, and keep nobody out.
func TestStrangersKeepNobodyOut(t *testing.T) {
	const most = 2
	server := newCounted(t, 1, most)
	server.stranger.Store(true)
	for range most {
		server.connect(t) // and says nothing
	}
	if got := asked(server.connect(t)); got != "503" && got != "" {
		t.Errorf("a stranger too many is answered %q", got)
	}
	server.stranger.Store(false)
	if got := asked(server.connect(t)); got != "200" {
		t.Errorf("the owner is answered %q", got)
	}
}

// Where everybody needs a key, a connection is a stranger's until one has come by it.
func TestAKeyTakesNoStrangersPlace(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeSearch)
	server := newCounted(t, 1, 1, func(c *web.Config) { c.Guests.Keys, c.Keys = true, k.store })
	first := server.connect(t)
	if got := askedFor(first, "/api/v1/info", key); got != "200" {
		t.Fatalf("with a key: %q", got)
	}
	if got := askedFor(server.connect(t), "/api/v1/info", catalog.NewKeyText()); got != "401" {
		t.Errorf("there is no room for strangers beside it: %q", got)
	}
	eventually(t, func() bool { return askedFor(server.connect(t), "/api/v1/info", key) == "200" }) // no place but a stranger's
	first.Close()
}

// A stranger gets one answer, and then leaves room for others.
func TestStrangersDoNotStay(t *testing.T) {
	server := newCounted(t, 1, 1)
	server.stranger.Store(true)
	connection := server.connect(t)
	if got := asked(connection); got != "200" {
		t.Fatalf("a stranger's look at /healthz is answered %q", got)
	}
	if rest, err := io.ReadAll(connection); err != nil || !strings.Contains(string(rest), "Connection: close") {
		t.Errorf("the connection stays: %v, %q", err, rest)
	}
}

// A parameter that is given twice is refused: one of the two would be passed over.
func TestParametersAreGivenOnce(t *testing.T) {
	server := webtest.NewServer(t)
	address := server.URL + "/api/v1/collections/" + webtest.LibraryName + "/images?limit="
	wantProblem(t, get(t, address+"&limit=8"), http.StatusUnprocessableEntity, "invalid-request")
	if answer := get(t, address+"8"); answer.status != http.StatusOK {
		t.Errorf("given once: %d", answer.status)
	}
}
