package indexer

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"golang.org/x/sync/semaphore"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/fetch"
)

// gallery serves pictures with entity tags, and counts what it sends.
type gallery struct {
	*httptest.Server
	mu      sync.Mutex
	shows   map[string]int // numbers of pictures by path
	answers map[int]int    // by status
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	g := &gallery{shows: map[string]int{"/a": 1, "/b": 1}, answers: map[int]int{}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		n := g.shows[r.URL.Path]
		tag := fmt.Sprintf(`"picture-%d"`, n)
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			g.answers[http.StatusNotModified]++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		g.answers[http.StatusOK]++
		_, _ = w.Write(picture(n))
	}))
	t.Cleanup(g.Close)
	return g
}

// counted returns how many pictures were sent, and how many were the same, since the last
// call.
func (g *gallery) counted() (sent, same int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sent, same = g.answers[http.StatusOK], g.answers[http.StatusNotModified]
	clear(g.answers)
	return sent, same
}

// TestRefetch: a picture by URL comes again only when its server has another one, or when
// there is doubt which one the image has.
func TestRefetch(t *testing.T) {
	g := newGallery(t)
	fetcher, err := fetch.New(fetch.Options{MaxBytes: 1 << 20, Memory: semaphore.NewWeighted(4 << 20), Allow: []string{"127.0.0.1"}, Ports: []uint16{portOf(t, g.Server)}, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fetcher.Close)
	b := newBench(t, Options{})
	documents := newDocuments(t, b)
	documents.places = Places{URLs: fetcher, MaxBytes: 1 << 20}
	byURL := func(path, metadata string) Document {
		document := upsert("x", nil, metadata)
		document.URL = g.URL + path
		return document
	}
	show := func(path string, n int) func() {
		return func() { g.mu.Lock(); defer g.mu.Unlock(); g.shows[path] = n }
	}
	lose := func() {
		image, err := b.store.Image(t.Context(), "c", "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := documents.blobs.Delete(t.Context(), blob.ContentName(image.SHA256)); err != nil {
			t.Fatal(err)
		}
	}
	nothing := func() {}
	for _, step := range []struct {
		name       string
		before     func()
		document   Document
		outcome    catalog.Outcome
		sent, same int
		shows      int
	}{
		{"new", nothing, byURL("/a", ``), catalog.OutcomeCreated, 1, 0, 1},
		{"the same again", nothing, byURL("/a", ``), catalog.OutcomeUnchanged, 0, 1, 1},
		{"other words", nothing, byURL("/a", `{"price": 1}`), catalog.OutcomeUpdated, 0, 1, 1},
		{"a patch", nothing, Document{Operation: catalog.OperationPatch, ID: "x", Metadata: []byte(`{"price": 2}`)}, catalog.OutcomeUpdated, 0, 0, 1},
		{"the same after it", nothing, byURL("/a", `{"price": 2}`), catalog.OutcomeUnchanged, 0, 1, 1},
		{"another URL with the same tag", nothing, byURL("/b", `{"price": 2}`), catalog.OutcomeUnchanged, 1, 0, 1},
		{"that URL again", nothing, byURL("/b", `{"price": 2}`), catalog.OutcomeUnchanged, 0, 1, 1},
		{"another picture there", show("/b", 2), byURL("/b", `{"price": 2}`), catalog.OutcomeUpdated, 1, 0, 2},
		{"no news of it", nothing, byURL("/b", `{"price": 2}`), catalog.OutcomeUnchanged, 0, 1, 2},
		{"the picture itself", nothing, upsert("x", picture(3), ``), catalog.OutcomeUpdated, 0, 0, 3},
		{"the URL after it", nothing, byURL("/b", ``), catalog.OutcomeUpdated, 1, 0, 2},
		{"its file is gone", lose, byURL("/b", ``), catalog.OutcomeUnchanged, 1, 1, 2},
		{"it is deleted", nothing, Document{Operation: catalog.OperationDelete, ID: "x"}, catalog.OutcomeDeleted, 0, 0, 0},
		{"and comes back", nothing, byURL("/b", ``), catalog.OutcomeCreated, 1, 0, 2},
	} {
		step.before()
		image, outcome, err := documents.Apply(t.Context(), "c", step.document)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if sent, same := g.counted(); outcome != step.outcome || sent != step.sent || same != step.same {
			t.Errorf("%s: %s, %d pictures sent and %d the same", step.name, outcome, sent, same)
		}
		if step.shows == 0 {
			continue
		}
		data, err := documents.blobs.Read(t.Context(), blob.ContentName(image.SHA256), 1<<20)
		if err != nil || string(data) != string(picture(step.shows)) {
			t.Errorf("%s: it is another picture, or its file is gone: %v", step.name, err)
		}
		b.wantMirror(t)
	}
}
