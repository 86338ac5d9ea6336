package web_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
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

func (s slow) CreateCollection(ctx context.Context, name string, maxPatches int, originals catalog.Originals) (catalog.Collection, error) {
	s.entered <- struct{}{}
	if err := <-s.release; err != nil {
		return catalog.Collection{}, err
	}
	return s.Indexer.CreateCollection(ctx, name, maxPatches, originals)
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

// A key belongs to one method, path, query and body.
func TestAKeyBelongsToOneRequest(t *testing.T) {
	server := webtest.NewServer(t)
	call := func(path, body string) reply {
		t.Helper()
		return send(t, http.MethodPost, server.URL+"/api/v1"+path, body, "Content-Type: application/json", "Idempotency-Key: k")
	}
	if first := call("/collections", `{"name":"one"}`); first.status != http.StatusCreated {
		t.Fatalf("%d %s", first.status, first.body)
	}
	for label, other := range map[string]reply{
		"another query": call("/collections?x=1", `{"name":"one"}`),
		"another path":  call("/runs", `{"name":"one"}`),
		"another body":  call("/collections", `{"name":"two"}`),
		"an empty body": call("/collections", ``),
		"no such kind":  call("/jobs/x/pause", ``),
	} {
		if other.status != http.StatusUnprocessableEntity || !strings.Contains(other.body, "idempotency-key-reused") {
			t.Errorf("%s: %d %s", label, other.status, other.body)
		}
	}
}

// Searches create nothing: they take no key, whatever a client sends.
func TestSearchesIgnoreKeys(t *testing.T) {
	server := webtest.NewServer(t)
	address := server.URL + "/api/v1/collections/demo/search?limit=1"
	seek := func(address, file string) hits {
		t.Helper()
		r := send(t, http.MethodPost, address, file, "Content-Type: image/png", "Idempotency-Key: k")
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return as[hits](t, r)
	}
	for _, id := range []string{"tree-1", "fish-2", "tree-1"} {
		if found := seek(address, string(server.Library.File(id))); found.Hits[0].ID != id {
			t.Errorf("searching by %s found %q", id, found.ids())
		}
	}
	if found := seek(address+"&group=content", string(server.Library.File("fish-2"))); found.Hits[0].ID != "fish-2" {
		t.Errorf("another query found %q", found.ids())
	}
	large := string(server.Library.File("boat-2")) + strings.Repeat("x", 2<<20) // which PNG's readers do not look at
	if found := seek(address, large); found.Hits[0].ID != "boat-2" {
		t.Errorf("searching by a picture of 2 MiB found %q", found.ids())
	}
}

// What is kept of answers is bounded in bytes.
func TestAnswersKeptAreBounded(t *testing.T) {
	const answers = 300 // of some KiB each, with what is kept besides
	server := webtest.NewServer(t, func(c *web.Config) { c.Limits.Answers = 64 << 10 })
	order := func(key string) reply {
		t.Helper()
		body := `{"name":"x","config":{"steps":1,"note":"` + strings.Repeat("n", 4<<10) + `"}}`
		r := send(t, http.MethodPost, server.URL+"/api/v1/runs", body, "Content-Type: application/json", "Idempotency-Key: "+key)
		if r.status != http.StatusAccepted {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return r
	}
	first := order("0")
	if order("0").body != first.body {
		t.Error("the first answer is not kept at all")
	}
	for n := range answers {
		order(strconv.Itoa(n + 1))
	}
	if order("0").body == first.body {
		t.Errorf("after %d answers of more than 4 KiB, 64 KiB hold the first", answers)
	}
	last := order(strconv.Itoa(answers))
	if again := order(strconv.Itoa(answers)); again.body != last.body {
		t.Error("the last answer is not kept")
	}
}

// An answer that is too large to keep is given, and forgotten.
func TestLargeAnswersAreNotKept(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Limits.Answers = 4 << 10 })
	order := func() string {
		t.Helper()
		body := `{"name":"x","config":{"steps":1,"note":"` + strings.Repeat("n", 8<<10) + `"}}`
		return as[web.Run](t, send(t, http.MethodPost, server.URL+"/api/v1/runs", body, "Content-Type: application/json", "Idempotency-Key: k")).ID
	}
	if first, second := order(), order(); first == second || first == "" {
		t.Errorf("runs %q and %q", first, second)
	}
}

// TestAnswersOfOneKeyPutOutNoOthers, however many there are.
func TestAnswersOfOneKeyPutOutNoOthers(t *testing.T) {
	k := newKeyring(t, func(c *web.Config) { c.Rate = web.Rate{PerSecond: 1e6, Burst: 1e6} })
	quiet, loud := k.make(t, nil, catalog.ScopeIndex), k.make(t, nil, catalog.ScopeIndex)
	create := func(key, name, repeated string) int {
		return send(t, http.MethodPost, k.URL+"/api/v1/collections", `{"name":"`+name+`"}`, bearer(key), jsonType, "Idempotency-Key: "+repeated).status
	}
	if status := create(quiet, "mine", "1"); status != http.StatusCreated {
		t.Fatal(status)
	}
	for n := range 1100 {
		create(loud, "demo", strconv.Itoa(n))
	}
	if status := create(quiet, "mine", "1"); status != http.StatusCreated {
		t.Errorf("the repeated call is carried out again: %d", status)
	}
}
