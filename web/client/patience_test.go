package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/search"
	"polylens/web/client"
	"polylens/web/problem"
)

// unwell is a server that answers searches only after some of them, and becomes ready
// after some questions whether it is.
type unwell struct{ searches, questions atomic.Int64 }

func (u *unwell) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	left := &u.searches
	if r.URL.Path == "/readyz" {
		left = &u.questions
	}
	if left.Add(-1) >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"type":"`+problem.Prefix+`unavailable","detail":"Milvus is starting"}`)
		return
	}
	_, _ = io.WriteString(w, `{"hits":[{"id":"a"}]}`)
}

func (u *unwell) start(t *testing.T) (plain *client.Client) {
	t.Helper()
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	return client.New(server.URL)
}

func find(ctx context.Context, c *client.Client) (int, error) {
	hits, err := c.Search(ctx, "c", "boat", 3, search.GroupNone)
	return len(hits), err
}

// TestPatient: a server that has just started is waited for, and people hear why, once.
func TestPatient(t *testing.T) {
	var server unwell
	server.searches.Store(3)
	server.questions.Store(3)
	plain := server.start(t)
	if _, err := find(t.Context(), plain); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("without patience: %v", err)
	}
	var told []string
	found, err := find(t.Context(), plain.Patient(time.Minute, func(reason string) { told = append(told, reason) }))
	if err != nil || found != 1 {
		t.Errorf("%d hits, %v", found, err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "Milvus is starting") {
		t.Errorf("told %q", told)
	}
}

// TestPatienceEnds: it ends with its time and with the caller's, and is not for a server
// that is ready all the same, or gone.
func TestPatienceEnds(t *testing.T) {
	const ever = 1 << 40
	never := func(string) { t.Error("somebody waits") }
	var starting, ready unwell
	starting.searches.Store(ever)
	starting.questions.Store(ever)
	if _, err := find(t.Context(), starting.start(t).Patient(time.Second, func(string) {})); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("one that never is ready: %v", err)
	}
	ready.searches.Store(ever)
	if _, err := find(t.Context(), ready.start(t).Patient(time.Hour, never)); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("one that is ready, without the index that is asked: %v", err)
	}
	if _, err := find(t.Context(), client.New("http://127.0.0.1:1").Patient(time.Hour, never)); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("none: %v", err)
	}
	ctx, leave := context.WithCancel(t.Context())
	if _, err := find(ctx, starting.start(t).Patient(time.Hour, func(string) { leave() })); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller has left: %v", err)
	}
}
