package client

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"polylens/web"
	"polylens/web/webtest"
)

// cutting lets each connection carry so many bytes to the server, and then breaks it.
type cutting struct {
	net.Listener
	bytes int
	cuts  atomic.Int64
}

func (c *cutting) Accept() (net.Conn, error) {
	connection, err := c.Listener.Accept()
	return &cutConnection{Conn: connection, left: c.bytes, cuts: &c.cuts}, err
}

type cutConnection struct {
	net.Conn
	left int
	cuts *atomic.Int64
}

func (c *cutConnection) Read(into []byte) (int, error) {
	if c.left <= 0 {
		c.cuts.Add(1)
		_ = c.Close() // as a line does that breaks
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(into[:min(len(into), c.left)])
	c.left -= n
	return n, err
}

// TestUploadOverBadLines: a file arrives whole over a line that breaks again and again.
func TestUploadOverBadLines(t *testing.T) {
	library := webtest.NewLibrary()
	jobs := webtest.NewJobs(library, 0)
	t.Cleanup(jobs.Close)
	handler, err := web.New(webtest.Config(library, jobs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	server := httptest.NewUnstartedServer(handler.Inside())
	lines := &cutting{Listener: server.Listener, bytes: 1 << 20}
	server.Listener = lines
	server.Start()
	t.Cleanup(server.Close)
	content := make([]byte, 5<<20)
	random := rand.New(rand.NewPCG(19, 3))
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	var told int64
	c := New(server.URL)
	id, err := c.Upload(t.Context(), "shop", "a.zip", bytes.NewReader(content), int64(len(content)), func(sent int64) { told = sent })
	if err != nil || told != int64(len(content)) {
		t.Fatalf("%d bytes are told, %v", told, err)
	}
	if lines.cuts.Load() < 4 {
		t.Errorf("the line broke only %d times", lines.cuts.Load())
	}
	file, err := jobs.Uploads.Open(t.Context(), "shop", id)
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := io.ReadAll(file); err != nil || !bytes.Equal(whole, content) {
		t.Errorf("%d bytes, %v", len(whole), err)
	}
	if job, err := c.PushUpload(t.Context(), "shop", id); err != nil || job.Kind != "push" {
		t.Errorf("%+v, %v", job, err)
	}
}

// TestUploadIsRefused: who is refused does not try again.
func TestUploadIsRefused(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"type":"urn:polylens:problem:key-forbids","detail":"no"}`)) // the client reads it
	}))
	t.Cleanup(server.Close)
	if _, err := New(server.URL).Upload(t.Context(), "shop", "a", bytes.NewReader(nil), 5, func(int64) {}); err == nil || err.Error() != "no" || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
