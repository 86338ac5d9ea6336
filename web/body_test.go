package web_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/webtest"
)

const (
	searchPath = "/api/v1/collections/demo/search"
	createPath = "/api/v1/collections"
)

// begun is a request of which only a part has been sent.
type begun struct {
	t          *testing.T
	connection net.Conn
	answers    *bufio.Reader
}

// begin sends the head of a request and a part of its body.
func begin(t *testing.T, server *webtest.Server, path, contentType string, length int, part string) *begun {
	t.Helper()
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	half := &begun{t, connection, bufio.NewReader(connection)}
	// The server has to see whose the connection is before that may end.
	if _, err := io.WriteString(connection, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil || half.answer().status != http.StatusOK {
		t.Fatalf("the server does not answer: %v", err)
	}
	_, err = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, length, part)
	if err != nil {
		t.Fatal(err)
	}
	return half
}

// answer waits for an answer, though the request is not complete.
func (b *begun) answer() reply {
	b.t.Helper()
	if err := b.connection.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		b.t.Fatal(err)
	}
	response, err := http.ReadResponse(b.answers, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// Half-sent uploads hold what they have sent, not what they announce, and all together
// no more than they may.
func TestHalfSentUploadsAreCounted(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Limits.Bodies = 4 << 20 })
	var halves []*begun
	for range 40 { // with room for 64 KiB each
		halves = append(halves, begin(t, server, searchPath, "image/png", 32<<20, strings.Repeat("x", 1000)))
	}
	file := string(server.Library.File("tree-3"))
	if r := send(t, http.MethodPost, server.URL+searchPath, file, "Content-Type: image/png"); r.status != http.StatusOK {
		t.Errorf("beside 40 uploads that sent next to nothing: %d %s", r.status, r.body)
	}
	// Of 2 MiB, with what they grow from, there is no room beside.
	refused := begin(t, server, searchPath, "image/png", 32<<20, strings.Repeat("x", 2<<20)).answer()
	wantProblem(t, refused, http.StatusServiceUnavailable, "busy")
	if refused.header.Get("Retry-After") == "" {
		t.Error("the client is not told when to ask again")
	}
	for _, half := range halves {
		half.connection.Close()
	}
	eventually(t, func() bool {
		r := send(t, http.MethodPost, server.URL+searchPath, file+strings.Repeat("x", 1<<20), "Content-Type: image/png")
		return r.status == http.StatusOK
	})
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("that never happens")
		}
	}
}

// A client that announces more than it may send is told so at once, whatever number it
// names: the largest one ended in a panic.
func TestAnnouncedBodiesThatAreTooLarge(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.MaxUploadBytes = 1 << 20 })
	const inForm = "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"x\"\r\n\r\nx"
	for _, length := range []int{2 << 20, math.MaxInt64 - 1, math.MaxInt64} {
		for label, half := range map[string]*begun{
			"picture": begin(t, server, searchPath, "image/png", length, "x"),
			"form":    begin(t, server, searchPath, "multipart/form-data; boundary=b", length, inForm),
			"order":   begin(t, server, createPath, "application/json", length, `{"name":`),
		} {
			t.Run(fmt.Sprint(label, length), func(t *testing.T) {
				wantProblem(t, half.answer(), http.StatusRequestEntityTooLarge, "too-large")
			})
		}
	}
}

// A body that stops coming is given up, whatever it is for.
func TestBodiesThatStallAreGivenUp(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Limits.Stall = 100 * time.Millisecond })
	for label, half := range map[string]*begun{
		"picture":   begin(t, server, searchPath, "image/png", 1000, "x"),
		"form":      begin(t, server, searchPath, "multipart/form-data; boundary=b", 1000, "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"x\"\r\n\r\nx"),
		"form head": begin(t, server, searchPath, "multipart/form-data; boundary=b", 1000, "--b\r\nContent-Dispo"),
		"order":     begin(t, server, createPath, "application/json", 1000, `{"name":`),
	} {
		t.Run(label, func(t *testing.T) { wantProblem(t, half.answer(), http.StatusRequestTimeout, "request-timeout") })
	}
}

// A handler may take longer than its body: what bounds the one must not end the other.
func TestHandlersOutliveTheirBodies(t *testing.T) {
	slow := sleepy{wait: 500 * time.Millisecond}
	server := webtest.NewServer(t, func(c *web.Config) {
		c.Limits.Stall = 50 * time.Millisecond
		slow.Indexer = c.Indexer
		c.Indexer = slow
	})
	r := send(t, http.MethodPost, server.URL+createPath, `{"name":"x"}`, "Content-Type: application/json")
	if r.status != http.StatusCreated {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// sleepy takes its time, unless nobody waits any more.
type sleepy struct {
	web.Indexer
	wait time.Duration
}

func (s sleepy) CreateCollection(ctx context.Context, name string, maxPatches int, originals catalog.Originals) (catalog.Collection, error) {
	select {
	case <-ctx.Done():
		return catalog.Collection{}, ctx.Err()
	case <-time.After(s.wait):
		return s.Indexer.CreateCollection(ctx, name, maxPatches, originals)
	}
}

// records keeps what is logged.
type records struct {
	slog.Handler
	mu  sync.Mutex
	all []slog.Record
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, record)
	return nil
}

// statuses are those of the POST requests that were logged, and worst the highest level of
// all that was.
func (r *records) statuses() (statuses []int64, worst slog.Level) {
	r.mu.Lock()
	defer r.mu.Unlock()
	worst = slog.LevelDebug
	for _, record := range r.all {
		worst = max(worst, record.Level)
		posted := false
		record.Attrs(func(a slog.Attr) bool {
			posted = posted || a.Key == "method" && a.Value.String() == http.MethodPost
			if posted && a.Key == "status" {
				statuses = append(statuses, a.Value.Int64())
			}
			return true
		})
	}
	return statuses, worst
}

// Clients that go away in the middle of a body are no failure of the server.
func TestAbortedUploadsAreNoFailures(t *testing.T) {
	for label, half := range map[string][3]string{
		"picture": {searchPath, "image/png", "\x89PNG"},
		"form":    {searchPath, "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"x\"\r\n\r\nx"},
		"order":   {createPath, "application/json", `{"name":`},
		"command": {"/api/v1/jobs/x/pause", "application/json", `{`},
	} {
		t.Run(label, func(t *testing.T) {
			logged := &records{}
			server := webtest.NewServer(t, func(c *web.Config) { c.Logger = slog.New(logged) })
			begin(t, server, half[0], half[1], 1000, half[2]).connection.Close()
			eventually(t, func() bool { statuses, _ := logged.statuses(); return len(statuses) > 0 })
			if statuses, worst := logged.statuses(); statuses[0] != 499 || worst > slog.LevelDebug {
				t.Errorf("logged as %d, at worst %s", statuses, worst)
			}
		})
	}
}

// Forms come in many ways, and little may stand before the picture.
func TestForms(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.MaxUploadBytes = 1 << 20 })
	file := string(server.Library.File("tree-3"))
	part := func(head, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	picture, end := part(`name="picture"; filename="x.png"`, file), "--b--\r\n"
	for label, test := range map[string]struct {
		form   string
		status int
		kind   string
	}{
		"picture":           {picture + end, 200, ""},
		"without file name": {part(`name="Picture"`, file) + end, 200, ""},
		"behind a text":     {part(`name="q"`, "hello") + picture + end, 200, ""},
		"before a text":     {picture + part(`name="q"`, "hello") + end, 200, ""},
		"of the size limit": {part(`name="picture"`, file+strings.Repeat("x", 1<<20-len(file))) + end, 200, ""},
		"too large":         {part(`name="picture"`, file+strings.Repeat("x", 1<<20-len(file)+1)) + end, 413, "too-large"},
		"much before":       {part(`name="q"`, strings.Repeat("x", 100<<10)) + picture + end, 413, "too-large"},
		"much in a head":    {"--b\r\nContent-Disposition: form-data; x=\"" + strings.Repeat("x", 100<<10) + "\"\r\n\r\n" + end, 413, "too-large"},
		"much behind":       {picture + strings.Repeat("x", 2<<20), 413, "too-large"},
		"no file":           {part(`name="q"`, "hello") + end, 422, "picture-not-usable"},
		"empty file":        {part(`name="picture"`, "") + end, 422, "picture-not-usable"},
		"no form":           {"hello", 422, "picture-not-usable"},
		"nothing":           {"", 422, "picture-not-usable"},
		"without end":       {picture[:len(picture)-2], 422, "picture-not-usable"},
	} {
		t.Run(label, func(t *testing.T) {
			r := send(t, http.MethodPost, server.URL+searchPath, test.form, "Content-Type: multipart/form-data; boundary=b")
			if test.kind != "" {
				wantProblem(t, r, test.status, test.kind)
			} else if found := as[hits](t, r); r.status != test.status || len(found.Hits) == 0 || found.Hits[0].ID != "tree-3" {
				t.Errorf("%d %.500s", r.status, r.body)
			}
		})
	}
}

// Uploads need not say how long they are.
func TestChunkedUploads(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.MaxUploadBytes = 1 << 20 })
	file := server.Library.File("tree-3")
	post := func(body io.Reader) reply {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+searchPath, io.MultiReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply{response.StatusCode, response.Header, string(content)}
	}
	if found := as[hits](t, post(bytes.NewReader(file))); found.Hits[0].ID != "tree-3" {
		t.Errorf("found %q", found.ids())
	}
	wantProblem(t, post(io.LimitReader(zeros{}, 1<<20+1)), http.StatusRequestEntityTooLarge, "too-large")
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { clear(into); return len(into), nil }
