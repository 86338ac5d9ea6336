package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/upload"
	"polylens/internal/disk"
	"polylens/web"
	"polylens/web/webtest"
)

const (
	tusVersion = "Tus-Resumable: 1.0.0"
	pieceType  = "Content-Type: application/offset+octet-stream"
)

func offset(n int) string { return fmt.Sprint("Upload-Offset: ", n) }

// beginUpload returns the address of a new upload.
func beginUpload(t *testing.T, base, collection string, size int, headers ...string) string {
	t.Helper()
	r := send(t, http.MethodPost, base+"/api/v1/collections/"+collection+"/uploads", "", append(headers, tusVersion, fmt.Sprint("Upload-Length: ", size))...)
	if r.status != http.StatusCreated || !strings.HasPrefix(r.header.Get("Location"), "/api/v1/collections/"+collection+"/uploads/") {
		t.Fatalf("got %d %s %s", r.status, r.header.Get("Location"), r.body)
	}
	if _, err := http.ParseTime(r.header.Get("Upload-Expires")); err != nil {
		t.Errorf("it expires %q", r.header.Get("Upload-Expires"))
	}
	return base + r.header.Get("Location")
}

// TestUploadInPieces begins, goes on, looks, uses and removes, as the protocol has it.
func TestUploadInPieces(t *testing.T) {
	server := webtest.NewServer(t)
	at := beginUpload(t, server.URL, "shop", 5, "Upload-Metadata: filename YS56aXA=")
	if r := send(t, http.MethodPatch, at, "{}", tusVersion, pieceType, offset(0)); r.status != http.StatusNoContent || r.header.Get("Upload-Offset") != "2" || r.body != "" {
		t.Fatalf("got %d %v", r.status, r.header)
	}
	head := send(t, http.MethodHead, at, "", tusVersion)
	if head.status != http.StatusOK || head.header.Get("Upload-Offset") != "2" || head.header.Get("Upload-Length") != "5" || head.header.Get("Upload-Metadata") != "filename YS56aXA=" {
		t.Errorf("got %d %v", head.status, head.header)
	}
	state := as[web.UploadState](t, get(t, at))
	if state.Offset != 2 || state.Finished || !strings.HasSuffix(at, state.ID) {
		t.Errorf("%+v", state)
	}
	jobs := server.URL + "/api/v1/collections/shop/jobs"
	order := fmt.Sprintf(`{"upload":%q}`, state.ID)
	wantProblem(t, send(t, http.MethodPost, jobs, order, jsonType), http.StatusConflict, "conflict")
	if r := send(t, http.MethodPatch, at, "\n{}", tusVersion, pieceType, offset(2)); r.status != http.StatusNoContent || r.header.Get("Upload-Offset") != "5" {
		t.Fatalf("got %d %v", r.status, r.header)
	}
	if r := send(t, http.MethodPost, jobs, order, jsonType); r.status != http.StatusAccepted || as[web.Job](t, r).Counts.Total != 2 {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := send(t, http.MethodPost, jobs, `{"source":{"bucket":"s3://shop/photos/"}}`, jsonType); r.status != http.StatusAccepted {
		t.Errorf("got %d %s", r.status, r.body)
	}
	for _, wrong := range []string{`{}`, `{"source":{"bucket":"s3://shop/","directory":"/x"}}`, `{"source":{"bucket":"s3://shop/"},"retry_failed":true}`, `{"upload":"x","source":{"directory":"/x"}}`, `{"upload":"x","rehash":true}`} {
		wantProblem(t, send(t, http.MethodPost, jobs, wrong, jsonType), http.StatusUnprocessableEntity, "invalid-request")
	}
	wantProblem(t, send(t, http.MethodPost, strings.Replace(jobs, "shop", "other", 1), order, jsonType), http.StatusNotFound, "not-found")
	if r := send(t, http.MethodDelete, at, "", tusVersion); r.status != http.StatusNoContent {
		t.Errorf("got %d %s", r.status, r.body)
	}
	wantProblem(t, get(t, at), http.StatusNotFound, "not-found")
	whole := send(t, http.MethodPost, server.URL+"/api/v1/collections/shop/uploads", "12345", tusVersion, pieceType, "Upload-Length: 5")
	if whole.status != http.StatusCreated || whole.header.Get("Upload-Offset") != "5" {
		t.Errorf("with its first piece: %d %v", whole.status, whole.header)
	}
	options := send(t, http.MethodOptions, server.URL+"/api/v1/collections/shop/uploads", "")
	if options.status != http.StatusOK || options.header.Get("Tus-Extension") != "creation,creation-with-upload,termination,expiration" || options.header.Get("Tus-Max-Size") == "" {
		t.Errorf("got %d %v", options.status, options.header)
	}
}

// TestUploadRefused: whatever is wrong is a problem.
func TestUploadRefused(t *testing.T) {
	blobs, err := blob.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	var full error
	server := webtest.NewServer(t, func(c *web.Config) {
		c.Uploads = upload.New(blobs, upload.Limits{Bytes: 100, Uploads: 2}, func(int64) error { return full })
	})
	all := server.URL + "/api/v1/collections/shop/uploads"
	at := beginUpload(t, server.URL, "shop", 5)
	for _, c := range []struct {
		method, url, body string
		headers           []string
		status            int
		kind              string
	}{
		{"POST", all, "", []string{"Upload-Length: 5"}, 412, "tus-version"},
		{"POST", all, "", []string{"Upload-Length: 5", "Tus-Resumable: 0.9"}, 412, "tus-version"},
		{"POST", all, "", []string{tusVersion}, 400, "request-unreadable"},
		{"POST", all, "", []string{tusVersion, "Upload-Length: -5"}, 400, "request-unreadable"},
		{"POST", all, "", []string{tusVersion, "Upload-Defer-Length: 1"}, 422, "invalid-request"},
		{"POST", all, "", []string{tusVersion, "Upload-Length: 101"}, 413, "too-large"},
		{"PATCH", at, "1", []string{tusVersion, pieceType}, 400, "request-unreadable"},
		{"PATCH", at, "1", []string{tusVersion, offset(0), jsonType}, 400, "request-unreadable"},
		{"PATCH", at, "1", []string{tusVersion, pieceType, offset(1)}, 409, "conflict"},
		{"PATCH", at, "123456", []string{tusVersion, pieceType, offset(0)}, 413, "too-large"},
		{"PATCH", all + "/x", "1", []string{tusVersion, pieceType, offset(0)}, 404, "not-found"},
		{"PATCH", strings.Replace(at, "/shop/", "/other/", 1), "1", []string{tusVersion, pieceType, offset(0)}, 404, "not-found"},
		{"DELETE", all + "/..%2fabout", "", []string{tusVersion}, 404, "not-found"},
		{"DELETE", at, "", nil, 412, "tus-version"},
		{"POST", at, "", []string{tusVersion, "X-HTTP-Method-Override: DELETE"}, 405, "method-not-allowed"},
		{"PUT", at, "", nil, 405, "method-not-allowed"},
	} {
		t.Log(c.method, c.url, c.headers)
		wantProblem(t, send(t, c.method, c.url, c.body, c.headers...), c.status, c.kind)
	}
	if head := send(t, http.MethodHead, all+"/x", "", tusVersion); head.status != http.StatusNotFound || head.body != "" {
		t.Errorf("got %d %s", head.status, head.body)
	}
	beginUpload(t, server.URL, "shop", 5)
	third := send(t, http.MethodPost, all, "", tusVersion, "Upload-Length: 5")
	wantProblem(t, third, http.StatusTooManyRequests, "too-many-requests")
	if third.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	full = &disk.FullError{Folder: "/"}
	wantProblem(t, send(t, http.MethodPatch, at, "12345", tusVersion, pieceType, offset(0)), http.StatusInsufficientStorage, "disk-full")
}

// sendPart sends the beginning of a piece, and leaves its connection open.
func sendPart(t *testing.T, at, content string, from, to int) *net.TCPConn {
	t.Helper()
	server, path, _ := strings.Cut(strings.TrimPrefix(at, "http://"), "/")
	connection, err := net.Dial("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	fmt.Fprintf(connection, "PATCH /%s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		path, server, tusVersion, pieceType, offset(from), len(content)-from, content[from:to])
	return connection.(*net.TCPConn)
}

// TestUploadGoesOn: a connection breaks within a piece, another hangs; what has arrived
// counts, and the client goes on.
func TestUploadGoesOn(t *testing.T) {
	server := webtest.NewServer(t)
	const size = 100_000
	content := strings.Repeat("0123456789", size/10)
	at := beginUpload(t, server.URL, "shop", size)
	_ = sendPart(t, at, content, 0, 30_000).CloseWrite() // the line breaks
	until(t, "what came over a broken line counts", func() bool { return as[web.UploadState](t, get(t, at)).Offset == 30_000 })
	var hanging net.Conn
	sent, pause := 30_000, 10*time.Millisecond
	for sent == 30_000 { // who asks ends what hangs, perhaps before any of it was read
		hanging = sendPart(t, at, content, sent, 50_000)
		time.Sleep(pause)
		pause *= 2
		head := send(t, http.MethodHead, at, "", tusVersion)
		var err error
		if sent, err = strconv.Atoi(head.header.Get("Upload-Offset")); err != nil || sent > 50_000 {
			t.Fatalf("got %d %v", head.status, head.header)
		}
	}
	if r := send(t, http.MethodPatch, at, content[sent:], tusVersion, pieceType, offset(sent)); r.status != http.StatusNoContent {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	_ = hanging.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer, err := http.ReadResponse(bufio.NewReader(hanging), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode < 400 || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("the one that hung gets %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	file, err := server.Jobs.Uploads.Open(t.Context(), "shop", at[strings.LastIndex(at, "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := io.ReadAll(file); err != nil || string(whole) != content {
		t.Errorf("%d bytes, %v", len(whole), err)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come", what)
		}
	}
}

// TestUploadTrickles: a piece that comes too slowly ends, and does not hold a place.
func TestUploadTrickles(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Limits.Stall, c.Limits.Pieces = 300*time.Millisecond, 1 })
	at := beginUpload(t, server.URL, "shop", 1000)
	connection := sendPart(t, at, strings.Repeat("x", 1000), 0, 0)
	go func() {
		for range 1000 {
			if _, err := connection.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_ = connection.SetReadDeadline(time.Now().Add(15 * time.Second))
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestTimeout {
		t.Errorf("got %d", answer.StatusCode)
	}
}

// TestUploadsOfKeys: an upload is of its collection, and counts for its key.
func TestUploadsOfKeys(t *testing.T) {
	k := newKeyring(t)
	mine, other := k.make(t, only("shop"), catalog.ScopeIndex), k.make(t, only("other"), catalog.ScopeIndex)
	at := beginUpload(t, k.URL, "shop", 5, bearer(mine))
	wantProblem(t, send(t, http.MethodPatch, at, "12345", tusVersion, pieceType, offset(0), bearer(other)), http.StatusForbidden, "key-forbids")
	wantProblem(t, send(t, http.MethodPatch, at, "12345", tusVersion, pieceType, offset(0)), http.StatusUnauthorized, "key-needed")
	theirs := strings.Replace(at, "/shop/", "/other/", 1)
	wantProblem(t, send(t, http.MethodPatch, theirs, "12345", tusVersion, pieceType, offset(0), bearer(other)), http.StatusNotFound, "not-found")
	if r := send(t, http.MethodPatch, at, "12345", tusVersion, pieceType, offset(0), bearer(mine)); r.status != http.StatusNoContent {
		t.Errorf("got %d %s", r.status, r.body)
	}
}

// TestUploadEndsWithItsKey: a piece that is under way when its key is revoked is refused.
func TestUploadEndsWithItsKey(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeIndex)
	at := beginUpload(t, k.URL, "shop", 1<<20, bearer(key))
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, at, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = 1 << 20
	for _, header := range []string{tusVersion, pieceType, offset(0), bearer(key)} {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	over := make(chan struct{})
	defer func() { <-over }()
	defer writer.Close()
	go func() {
		defer close(over)
		for range 1 << 20 { // until nobody reads any more
			if _, err := writer.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	time.AfterFunc(300*time.Millisecond, func() { k.revoke(t, key) })
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %s %v", response.Status, response.Header)
	}
}
