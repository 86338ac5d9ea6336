package indexer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/internal/postgrestest"
	"polylens/internal/relaytest"
	"polylens/search"
)

// TestPassing: what a database, a bucket and an index say when they are away is told from
// what is wrong with the work.
func TestPassing(t *testing.T) {
	cluster := postgrestest.StartCluster(t)
	relay := relaytest.Start(t, cluster.Dial)
	store, err := database.Open(t.Context(), cluster.URLAt(relay.Address))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ask := func() error { _, err := store.Collections(t.Context()); return err }
	want := func(what string, err error, passing bool) {
		t.Helper()
		if err == nil || isPassing(err) != passing {
			t.Errorf("%s: %v passes: %t, want %t", what, err, !passing, passing)
		}
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	relay.Shut(true)
	want("a database that is not reached", ask(), true)
	relay.Shut(false)
	if err := ask(); err != nil {
		t.Error(err)
	}
	if err := cluster.Kill(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	want("a database that was killed", ask(), true)
	if err := cluster.Restart(); err != nil {
		t.Fatal(err)
	}
	_, err = store.Image(t.Context(), "nothing", "nothing")
	want("an image that is not there", err, false)
	for status, passing := range map[int]bool{507: true, 503: true, 500: true, 404: false, 403: false} {
		want(fmt.Sprint("a bucket that answers ", status), readBucket(t, status), passing)
	}
	want("an index that is away", fmt.Errorf("write: %w", search.ErrUnavailable), true)
	want("another model", &search.ModelMismatchError{}, false)
	want("a bad line", fmt.Errorf("%w: line", catalog.ErrInvalid), false)
	want("a file that is gone", &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, false)
	want("a disk that fails", &fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, false)
	want("a connection that is refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true)
	want("anything else", errors.New("else"), false)
}

// readBucket is the error for a file of a bucket that answers everything with a status.
func readBucket(t *testing.T, status int) error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, `<Error><Code>Some</Code></Error>`)
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	bucket, err := blob.Open(t.Context(), "s3://b?region=us-east-1&use_path_style=true&endpoint="+server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	_, err = bucket.Read(t.Context(), "x", 10)
	return errors.Join(err, bucket.Write(t.Context(), "x", func(w io.Writer) error {
		_, err := w.Write([]byte(strings.Repeat("x", 100)))
		return err
	}))
}
