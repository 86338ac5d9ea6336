package data

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"code.dny.dev/ssrf"
)

func TestFiles(t *testing.T) {
	path := write(t, "a b.png", "content")
	folder := filepath.Dir(path)
	outside := write(t, "secret.png", "secret")
	if err := os.Symlink(outside, filepath.Join(folder, "link.png")); err != nil {
		t.Fatal(err)
	}
	files := NewFiles(FileOptions{MaxBytes: 7})
	defer files.Close()
	for _, test := range []struct {
		name    string
		picture Picture
		want    string
		problem string
	}{
		{"file", Picture{URI: fileURI(path), Within: fileURI(folder)}, "content", ""},
		{"anywhere", Picture{URI: fileURI(path)}, "content", ""},
		{"link", Picture{URI: fileURI(filepath.Join(folder, "link.png"))}, "secret", ""},
		{"link out", Picture{URI: fileURI(filepath.Join(folder, "link.png")), Within: fileURI(folder)}, "", "escapes"},
		{"not below", Picture{URI: fileURI(outside), Within: fileURI(folder)}, "", "escapes"},
		{"what was indexed", Picture{URI: fileURI(path), SHA256: "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"}, "content", ""},
		{"another than what was indexed", Picture{URI: fileURI(path), SHA256: "00"}, "", "changed since it was indexed"},
		{"missing", Picture{URI: fileURI(path + "x")}, "", "no such file"},
		{"folder", Picture{URI: fileURI(folder)}, "", "not an ordinary file"},
		{"section", Picture{URI: fileURI(path), Member: "m", Offset: 2, Size: 3}, "nte", ""},
		{"section that is cut off", Picture{URI: fileURI(path), Member: "m", Offset: 5, Size: 3}, "", "cut off"},
		{"large section", Picture{URI: fileURI(path), Member: "m", Size: 8}, "", "the limit is 7"},
		{"large file", Picture{URI: fileURI(write(t, "large", "12345678"))}, "", "the limit is 7"},
		{"device", Picture{URI: "file:///dev/zero"}, "", "not an ordinary file"},
	} {
		content, err := files.Bytes(t.Context(), test.picture)
		if string(content) != test.want || (err != nil) != (test.problem != "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: got %q, %v; want %q, %q", test.name, content, err, test.want, test.problem)
		}
	}
}

// server answers /picture, /far (redirected), /loop, /large, /missing, /empty and /slow.
func server(t *testing.T, requests *atomic.Int32) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch r.URL.Path {
		case "/picture":
			_, _ = w.Write([]byte("bytes"))
		case "/far":
			http.Redirect(w, r, "/picture", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, 2000))
		case "/slow":
			<-r.Context().Done()
		case "/empty":
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWeb(t *testing.T) {
	var requests atomic.Int32
	address := server(t, &requests)
	files := NewFiles(FileOptions{MaxBytes: 1000, Timeout: 200 * time.Millisecond, Cache: t.TempDir(), Private: true})
	defer files.Close()
	for _, test := range []struct{ path, want, problem string }{
		{"/picture", "bytes", ""},
		{"/far", "bytes", ""},
		{"/loop", "", "redirected more than 3 times"},
		{"/file", "", "unsupported protocol"},
		{"/large", "", "the limit is 1000"},
		{"/missing?secret=1", "", "answers 404"},
		{"/empty", "", "no bytes"},
		{"/slow", "", "deadline"},
	} {
		content, err := files.Bytes(t.Context(), Picture{URI: address + test.path})
		if string(content) != test.want || (err != nil) != (test.problem != "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: got %q, %v; want %q, %q", test.path, content, err, test.want, test.problem)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the query: %v", test.path, err)
		}
	}
	before := requests.Load()
	content, err := files.Bytes(t.Context(), Picture{URI: address + "/picture"})
	if string(content) != "bytes" || err != nil || requests.Load() != before {
		t.Errorf("a second time: got %q, %v, %d more requests", content, err, requests.Load()-before)
	}
}

func TestWebIsPublicOnly(t *testing.T) {
	var requests atomic.Int32
	address := server(t, &requests)
	port := address[strings.LastIndexByte(address, ':'):]
	files := NewFiles(FileOptions{Cache: t.TempDir(), Timeout: 5 * time.Second})
	defer files.Close()
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
		"10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
	} {
		for _, at := range []string{"", port} {
			_, err := files.Bytes(t.Context(), Picture{URI: "http://" + host + at + "/picture"})
			var resolving interface{ Timeout() bool } // names that only some resolvers take for addresses
			if !errors.Is(err, ssrf.ErrProhibitedIP) && !errors.Is(err, ssrf.ErrProhibitedPort) && !errors.As(err, &resolving) {
				t.Errorf("%s%s: got %v, want it refused", host, at, err)
			}
		}
	}
	if requests.Load() != 0 {
		t.Errorf("%d requests reached the server", requests.Load())
	}
}

func TestRedirectsKeepEncryption(t *testing.T) {
	at := func(address string) *http.Request {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Request{URL: parsed}
	}
	if err := checkRedirect(at("http://a/"), []*http.Request{at("https://a/")}); err == nil {
		t.Error("from https to http was allowed")
	}
	if err := checkRedirect(at("https://a/"), []*http.Request{at("http://a/")}); err != nil {
		t.Errorf("from http to https: %v", err)
	}
}

func TestWebNeedsCache(t *testing.T) {
	files := NewFiles(FileOptions{Private: true})
	defer files.Close()
	if _, err := files.Bytes(t.Context(), Picture{URI: "http://example.org/a"}); err == nil || !strings.Contains(err.Error(), "cache folder") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := files.Bytes(ctx, Picture{URI: "http://example.org/a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: got %v", err)
	}
}

func FuzzLocate(f *testing.F) {
	for _, seed := range []string{"a.png", "../a", "/a", "http://a/b", "HTTPS://A:1/%2e%2e/", "file:///etc", "a://b", "http://[::1", "\x00", "a\\..\\b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		picture, err := ReadOptions{}.locate(name, "/folder")
		if err != nil {
			return
		}
		checkRecord(t, Record{Picture: picture})
		address, err := url.Parse(picture.URI)
		if err != nil || address.User != nil || address.Scheme != "file" && address.Hostname() == "" {
			t.Errorf("%q gave %q (%v)", name, picture.URI, err)
		}
		if address.Scheme == "file" && picture.Within != "file:///folder" {
			t.Errorf("%q may lie in %q", name, picture.Within)
		}
	})
}
