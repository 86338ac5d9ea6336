package search_test

import (
	"errors"
	"strings"
	"testing"

	"polylens/search"
)

func filterOn(field string) search.Options {
	return search.Options{Filter: search.Not{Filter: search.Compare{Field: field, Op: search.Eq, Value: "x"}}}
}

func TestUnknownFieldsAreErrors(t *testing.T) {
	service, catalogue, _ := ring(t, 3)
	catalogue.metadata = []map[string]any{
		{"artist": "Müller", "größe": 3.0, "photo date": "2024", "nested": map[string]any{"b": 1.0}, "a.b": map[string]any{"c": nil}},
		{"year": 2024.0, "list": []any{map[string]any{"x": 1.0}}}, {},
	}
	for _, field := range []string{"artist", "größe", "photo date", "nested.b", "nested", "`a.b`.c", "a.b", "list.0.x", "list.0"} {
		if _, err := service.ByText(t.Context(), "ring", "a", filterOn(field)); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, says := range map[string]string{
		"artst": "similar: artist", "Artist": "similar: artist", "grösse": "similar: größe", "photodate": "similar: photo date", "b": "similar: nested.b", "nested.c": "similar: nested.b",
		"a.b.c": "similar: `a.b`.c", "camera": "there are: `a.b`.c, artist, größe, list, nested.b, photo date, year", "list.1.x": "there are", "list.x": "similar: list",
	} {
		_, err := service.ByText(t.Context(), "ring", "a", filterOn(field))
		var invalid *search.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "filter" || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", field, err, says)
		}
	}
}

// Where it cannot be said for sure that nobody has a field, it is known.
func TestFieldsAreNotUnknownByMistake(t *testing.T) {
	for label, change := range map[string]func(*shelf){
		"no images":       func(s *shelf) { s.metadata = nil },
		"not all seen":    func(s *shelf) { s.partial = true },
		"no answer":       func(s *shelf) { s.broken = true },
		"too many to see": func(s *shelf) { s.metadata = make([]map[string]any, 300) },
	} {
		service, catalogue, _ := ring(t, 3)
		catalogue.metadata = []map[string]any{{"artist": "x"}}
		change(catalogue)
		if _, err := service.ByText(t.Context(), "ring", "a", filterOn("artst")); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
}

func TestKnownFieldsAreRemembered(t *testing.T) {
	service, catalogue, _ := ring(t, 3)
	catalogue.metadata = []map[string]any{{"artist": "x"}}
	for range 3 {
		if _, err := service.ByText(t.Context(), "ring", "a", filterOn("artist")); err != nil {
			t.Fatal(err)
		}
	}
	if catalogue.asked != 1 {
		t.Errorf("the catalogue was asked %d times", catalogue.asked)
	}
	if _, err := service.ByText(t.Context(), "ring", "a", search.Options{}); err != nil || catalogue.asked != 1 {
		t.Errorf("without a filter: %v, asked %d times", err, catalogue.asked)
	}
}
