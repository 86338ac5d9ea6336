package indexer

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/fetch"
	"polylens/internal/patient"
)

// TestPlaces: a picture is the same from wherever it comes.
func TestPlaces(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.png" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(picture(1))
	}))
	t.Cleanup(server.Close)
	folder, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret.png")
	for path, data := range map[string][]byte{filepath.Join(folder, "a.png"): picture(1), outside: picture(2), filepath.Join(folder, "large.png"): make([]byte, 2<<20)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(folder, "link.png")); err != nil {
		t.Fatal(err)
	}
	bucket, err := blob.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bucket.Put(t.Context(), "x/a.png", picture(1)), bucket.Put(t.Context(), "large", make([]byte, 2<<20))); err != nil {
		t.Fatal(err)
	}
	fetcher, err := fetch.New(fetch.Options{MaxBytes: 1 << 20, Memory: semaphore.NewWeighted(4 << 20), Allow: []string{"127.0.0.1"}, Ports: []uint16{80, portOf(t, server)}, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{})
	documents := newDocuments(t, b)
	documents.places = Places{URLs: fetcher, Folders: []string{folder}, Objects: bucket, MaxBytes: 1 << 20}
	sent, _, err := documents.Apply(t.Context(), "c", upsert("sent", picture(1), ``))
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]Document{
		"url": {URL: server.URL + "/a.png"}, "path": {Path: filepath.Join(folder, "a.png")}, "key": {Key: "x/a.png"}, "sha256": {SHA256: sent.SHA256},
	} {
		document.Operation, document.ID = catalog.OperationUpsert, name
		image, _, err := documents.Apply(t.Context(), "c", document)
		if err != nil || image.SHA256 != sent.SHA256 {
			t.Errorf("%s: got %s, %v", name, image.SHA256, err)
		}
	}
	for name, test := range map[string]struct {
		document Document
		words    string
	}{
		"missing url":    {Document{URL: server.URL + "/b.png"}, "404"},
		"private url":    {Document{URL: "http://10.0.0.1/a.png"}, "not a public one"},
		"file url":       {Document{URL: "file:///etc/passwd"}, "http"},
		"missing file":   {Document{Path: filepath.Join(folder, "b.png")}, "no such file"},
		"other folder":   {Document{Path: outside}, "--allow-path"},
		"dots":           {Document{Path: folder + "/../" + filepath.Base(filepath.Dir(outside)) + "/secret.png"}, "--allow-path"},
		"link":           {Document{Path: filepath.Join(folder, "link.png")}, "escapes"},
		"the folder":     {Document{Path: folder}, "--allow-path"},
		"relative":       {Document{Path: "a.png"}, "absolute"},
		"large file":     {Document{Path: filepath.Join(folder, "large.png")}, "1048576"},
		"missing key":    {Document{Key: "x/b.png"}, "bucket has no"},
		"bad key":        {Document{Key: "x/\xff.png"}, "UTF-8"},
		"large object":   {Document{Key: "large"}, "1048576"},
		"unknown sha256": {Document{SHA256: strings.Repeat("0", 64)}, "send its bytes"},
	} {
		test.document.Operation, test.document.ID = catalog.OperationUpsert, "x"
		_, _, err := documents.Apply(t.Context(), "c", test.document)
		if !errors.Is(err, catalog.ErrPicture) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: got %v, want %q in it", name, err, test.words)
		}
	}
	documents.places = Places{}
	for _, document := range []Document{{URL: server.URL}, {Path: "/a"}, {Key: "a"}} {
		document.Operation, document.ID = catalog.OperationUpsert, "x"
		if _, _, err := documents.Apply(t.Context(), "c", document); !errors.Is(err, catalog.ErrPicture) {
			t.Errorf("without places: got %v", err)
		}
	}
	b.wantMirror(t)
}

func portOf(t *testing.T, server *httptest.Server) uint16 {
	t.Helper()
	address, err := netip.ParseAddrPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return address.Port()
}

// TestPlacesThatDoNotAnswer: that a disk does not answer says nothing about a picture.
func TestPlacesThatDoNotAnswer(t *testing.T) {
	silent := &patient.Left{For: time.Minute, Cause: patient.ErrSilent}
	for err, want := range map[error]error{silent: patient.ErrSilent, syscall.EIO: syscall.EIO, fs.ErrNotExist: nil} {
		got := fileReason(&fs.PathError{Op: "open", Path: "/secret/a.png", Err: err})
		if want != nil && !errors.Is(got, want) || errors.Is(got, fs.ErrNotExist) || strings.Contains(got.Error(), "/secret") {
			t.Errorf("%v: got %v", err, got)
		}
	}
}
