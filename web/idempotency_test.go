package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/webtest"
)

func TestRepeatedCreationHappensOnce(t *testing.T) {
	server := webtest.NewServer(t)
	address := server.URL + "/api/v1/collections/again/jobs"
	create := func(key, directory string) reply {
		return send(t, http.MethodPost, address, `{"source":{"directory":"`+directory+`"}}`, "Content-Type: application/json", "Idempotency-Key: "+key)
	}
	first, second := create("k1", "/"), create("k1", "/")
	if first.status != http.StatusAccepted || first.header.Get("Location") == "" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if second.status != first.status || second.body != first.body || second.header.Get("Location") != first.header.Get("Location") ||
		second.header.Get("Content-Type") != "application/json" {
		t.Errorf("the repeated call is answered %d %s", second.status, second.body)
	}
	if jobs, _ := server.Jobs.List(t.Context(), catalog.JobFilter{}); len(jobs) != 1 {
		t.Errorf("%d jobs", len(jobs))
	}
	wantProblem(t, create("k1", "/tmp"), http.StatusUnprocessableEntity, "idempotency-key-reused")
	if other := create("k2", "/"); other.body == first.body {
		t.Error("another key is answered by the first call")
	}
	// Just above the limit: of a much larger one the server reads only a part, and may hang up while we still write.
	wantProblem(t, create("k3", strings.Repeat("x", 1<<20)), http.StatusRequestEntityTooLarge, "too-large")
}

// slow lets a test hold a creation while it makes another.
type slow struct {
	web.Indexer
	entered chan struct{}
	release chan error
}

func (s slow) CreateCollection(ctx context.Context, name string, maxPatches int) (catalog.Collection, error) {
	s.entered <- struct{}{}
	if err := <-s.release; err != nil {
		return catalog.Collection{}, err
	}
	return s.Indexer.CreateCollection(ctx, name, maxPatches)
}

func TestConcurrentAndFailedCreations(t *testing.T) {
	held := slow{entered: make(chan struct{}), release: make(chan error)}
	server := webtest.NewServer(t, func(c *web.Config) {
		held.Indexer = c.Indexer
		c.Indexer = held
	})
	create := func() reply {
		return send(t, http.MethodPost, server.URL+"/api/v1/collections", `{"name":"x"}`, "Content-Type: application/json", "Idempotency-Key: k")
	}
	var first reply
	var waiting sync.WaitGroup
	start := func() {
		waiting.Go(func() { first = create() })
		<-held.entered
	}
	start()
	wantProblem(t, create(), http.StatusConflict, "idempotency-key-in-use")
	held.release <- errors.New("disk full")
	waiting.Wait()
	wantProblem(t, first, http.StatusInternalServerError, "internal")
	// A failure of the server is not remembered: the same key works again.
	start()
	held.release <- nil
	waiting.Wait()
	if first.status != http.StatusCreated {
		t.Errorf("%d %s", first.status, first.body)
	}
}
