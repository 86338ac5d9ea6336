package late_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"polylens/search"
	"polylens/search/exact"
	"polylens/search/late"
	"polylens/search/searchtest"
)

func TestConformance(t *testing.T) {
	searchtest.Run(t, func(*testing.T) search.Index {
		index := late.New("starting")
		index.Set(exact.New())
		return index
	})
}

var (
	key   = search.Key{Collection: "c", Fingerprint: "ab"}
	rows  = []search.Row{{ID: "a", Vector: []float32{1, 0}}}
	query = search.Query{Vector: []float32{1, 0}, Limit: 1}
)

// calls are all the calls of an index, in an order in which all succeed.
func calls(t *testing.T, index search.Index) map[string]error {
	ctx := t.Context()
	made := map[string]error{
		"ensure":   index.Ensure(ctx, key, 2),
		"upsert":   index.Upsert(ctx, key, rows),
		"ids":      index.IDs(ctx, key, func(string) error { return nil }),
		"activate": index.Activate(ctx, key),
		"flush":    index.Flush(ctx),
		"ready":    index.Ready(ctx),
	}
	_, made["count"] = index.Count(ctx, key)
	_, made["search"] = index.Search(ctx, key.Collection, query)
	made["delete"] = index.Delete(ctx, key, []string{"a"})
	made["drop"] = index.Drop(ctx, key)
	return made
}

func TestUnavailableUntilSet(t *testing.T) {
	index := late.New("Milvus is starting")
	for call, err := range calls(t, index) {
		if !errors.Is(err, search.ErrUnavailable) || !strings.Contains(err.Error(), "Milvus is starting") {
			t.Errorf("%s before there is an index: %v", call, err)
		}
	}
	index.Set(exact.New())
	for call, err := range calls(t, index) {
		if err != nil {
			t.Errorf("%s afterwards: %v", call, err)
		}
	}
}

// TestSetWhileInUse: calls that come meanwhile are refused or answered.
func TestSetWhileInUse(t *testing.T) {
	index, filled := late.New("starting"), exact.New()
	if err := errors.Join(filled.Ensure(t.Context(), key, 2), filled.Upsert(t.Context(), key, rows)); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for refused := true; refused; {
				matches, err := index.Search(t.Context(), key.Collection, query)
				refused = errors.Is(err, search.ErrUnavailable)
				if !refused && (err != nil || len(matches) != 1) {
					t.Errorf("got %v, %v", matches, err)
				}
			}
		})
	}
	index.Set(filled)
	wait.Wait()
}
