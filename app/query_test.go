package main

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web/webtest"
)

// watched is an index that notes how often a search entered this package on its way
// to it.
type watched struct {
	search.Index
	mu      sync.Mutex
	entered []int
}

func (w *watched) Search(ctx context.Context, collection catalog.CollectionID, query search.Query) ([]search.Match, error) {
	w.mu.Lock()
	w.entered = append(w.entered, entries())
	w.mu.Unlock()
	return w.Index.Search(ctx, collection, query)
}

// entries counts how often the running call has entered this package from another
// since the handler of the server.
func entries() int {
	callers := make([]uintptr, 200)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // without the index itself
	count, inside := 0, false
	for frame, more := frames.Next(); more && !strings.HasPrefix(frame.Function, "net/http."); frame, more = frames.Next() {
		here := strings.HasPrefix(frame.Function, "polylens/app.") || strings.HasPrefix(frame.Function, "main.")
		if here && !inside {
			count++
		}
		inside = here
	}
	return count
}

// TestQueryEntersMainOnce: between the router and Milvus a query comes through this
// package at most once.
func TestQueryEntersMainOnce(t *testing.T) {
	h, pictures := newHouse(t)
	index := &watched{Index: h.index}
	h.index = index
	x := h.open(t)
	indexed(t, x, pictures, "c")
	handler, err := x.handler(handlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	server := webtest.Serve(t, handler)
	response, err := http.Get(server.URL + "/api/v1/collections/c/search?q=picture")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	index.mu.Lock()
	defer index.mu.Unlock()
	if response.StatusCode != http.StatusOK || len(index.entered) != 1 || index.entered[0] > 1 {
		t.Errorf("answered %d, and entered this package %v times on the way", response.StatusCode, index.entered)
	}
	t.Logf("a query enters package main %v times", index.entered)
}
