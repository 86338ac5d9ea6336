package search_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"polylens/search"
	"polylens/search/exact"
)

// twins is a service over images the last letter of whose ID is their content: copies
// lie at the same point, and so do different contents that look the same. Equal scores are
// in the order of IDs, so that copies stand apart.
func twins(t *testing.T, points map[string]int) *search.Service {
	t.Helper()
	return twinsIn(t, points, func(c search.Catalog) search.Catalog { return c })
}

// twinsIn is twins with something between the service and the catalogue.
func twinsIn(t *testing.T, points map[string]int, between func(search.Catalog) search.Catalog) *search.Service {
	t.Helper()
	index := exact.New()
	key := search.Key{Collection: "ring", Fingerprint: model}
	catalogue := &shelf{count: 99, fingerprint: model, copies: make(map[string]string)}
	var rows []search.Row
	for id, n := range points {
		rows = append(rows, search.Row{ID: id, Vector: point(n)})
		catalogue.copies[id] = id[len(id)-1:]
	}
	if err := errors.Join(index.Ensure(t.Context(), key, 2), index.Upsert(t.Context(), key, rows)); err != nil {
		t.Fatal(err)
	}
	return search.New(index, between(catalogue), &circle{})
}

// show writes hits as their leaders with their copies: "1a+2a".
func show(results search.Results) string {
	var shown []string
	for _, hit := range results.Hits {
		text := hit.ID
		for _, copy := range hit.Copies {
			text += "+" + copy.ID
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, " ")
}

func TestGroupContent(t *testing.T) {
	service := twins(t, map[string]int{"1a": 5, "1b": 5, "2a": 5, "2b": 5, "3a": 5, "1c": 6, "1d": 8, "2d": 8, "1e": 12})
	for limit, want := range map[int][]string{
		1: {"1a+2a+3a", "1b+2b", "1c", "1d+2d", "1e"},
		2: {"1a+2a+3a 1b+2b", "1c 1d+2d", "1e"},
		9: {"1a+2a+3a 1b+2b 1c 1d+2d 1e"},
	} {
		options := search.Options{Limit: limit, Group: search.GroupContent}
		var pages []string
		for range 10 {
			results, err := service.ByText(t.Context(), "ring", "abcde", options)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, show(results))
			if options.Cursor = results.Next; results.Next == "" {
				break
			}
		}
		if !slices.Equal(pages, want) {
			t.Errorf("pages of %d: got %q, want %q", limit, pages, want)
		}
	}
}

// TestGroupLeavesOutTheExample: images like one are not its copies.
func TestGroupLeavesOutTheExample(t *testing.T) {
	service := twins(t, map[string]int{"05": 5, "x5": 5, "1b": 5, "1c": 6})
	results, err := service.ByImage(t.Context(), "ring", "05", search.Options{Group: search.GroupContent})
	if err != nil || show(results) != "1b 1c" {
		t.Errorf("got %q, %v", show(results), err)
	}
	results, err = service.ByImage(t.Context(), "ring", "05", search.Options{})
	if err != nil || show(results) != "1b x5 1c" {
		t.Errorf("ungrouped: got %q, %v", show(results), err)
	}
}

// TestManyCopies: the list is bounded, the count is not, and a page is found behind
// more copies than a first look shows.
func TestManyCopies(t *testing.T) {
	points := map[string]int{"1z": 7}
	for i := range 300 {
		points[fmt.Sprintf("%03da", i)] = 5
	}
	results, err := twins(t, points).ByText(t.Context(), "ring", "abcde", search.Options{Limit: 2, Group: search.GroupContent})
	if err != nil || len(results.Hits) != 2 || results.Hits[1].ID != "1z" {
		t.Fatalf("got %q, %v", show(results), err)
	}
	if hit := results.Hits[0]; hit.CopyCount != 299 || len(hit.Copies) != search.MaxCopies {
		t.Errorf("%d copies, %d listed; want 299, %d", hit.CopyCount, len(hit.Copies), search.MaxCopies)
	}
}

func TestGroupOptions(t *testing.T) {
	service := twins(t, map[string]int{"1a": 5, "1b": 6})
	var invalid *search.InvalidError
	if _, err := service.ByText(t.Context(), "ring", "a", search.Options{Group: "colour"}); !errors.As(err, &invalid) {
		t.Errorf("unknown group: got %v", err)
	}
	first, err := service.ByText(t.Context(), "ring", "a", search.Options{Limit: 1, Group: search.GroupContent})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.ByText(t.Context(), "ring", "a", search.Options{Limit: 1, Cursor: first.Next}); !errors.As(err, &invalid) {
		t.Errorf("cursor of groups without grouping: got %v", err)
	}
}
