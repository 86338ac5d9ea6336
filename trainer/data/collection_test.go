package data

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

var _ Catalog = (*database.Store)(nil)

// pages is a Catalog of pages of images.
type pages [][]catalog.Image

func (p pages) ListImages(_ context.Context, collection, cursor string, _ int) ([]catalog.Image, string, error) {
	if collection != "art" {
		return nil, "", catalog.ErrNotFound
	}
	if len(cursor)+1 < len(p) {
		return p[len(cursor)], cursor + "x", nil
	}
	return p[len(cursor)], "", nil
}

var artworks = pages{
	{{
		ID: "1", Source: "file:///art", URI: "file:///art/1.jpg", SHA256: "beef",
		Metadata: map[string]any{"title": "Nave nave moe", "artist": "Gauguin", "year": 1894.0, "tags": []any{"spring", "garden"}},
		Captions: []catalog.Caption{{Language: "en", Text: "two women"}, {Language: "de", Text: "zwei Frauen"}, {Language: "en", Text: " "}},
	}},
	{{ID: "2", Source: "file:///art", URI: "file:///art/2.jpg", Metadata: map[string]any{"title": "", "artist": "unknown"}}},
}

func TestCollection(t *testing.T) {
	records, problems, err := read(t, Collection{
		Catalog: artworks, Name: "art", Captions: true, Languages: []string{"en"}, Item: "title", Attributes: []string{"year"},
		Templates: []Template{
			{"en", "{{.Field \"title\"}}, a painting\n by {{.Field \"artist\"}}"},
			{"fr", "{{range .Tags}}{{.}} {{end}}"},
			{"de", `{{.Caption "de"}}`},
			{"es", `{{if .Has "year"}}del año {{.Field "year"}}{{else}}sin fecha{{end}}`},
		},
	})
	want := []Record{
		{Picture: Picture{URI: "file:///art/1.jpg", Within: "file:///art", SHA256: "beef"}, Empty: 1, Item: "Nave nave moe", Relevance: 1,
			Captions: []Caption{{"en", "two women"}, {"en", "Nave nave moe, a painting by Gauguin"}, {"fr", "spring garden"},
				{"de", "zwei Frauen"}, {"es", "del año 1894"}},
			Attributes: map[string]string{"year": "1894"}, Place: Place{"art", "1"}},
		{Picture: Picture{URI: "file:///art/2.jpg", Within: "file:///art"}, Relevance: 1,
			Captions: []Caption{{"es", "sin fecha"}}, Place: Place{"art", "2"}},
	}
	if err != nil || len(problems) > 0 || !reflect.DeepEqual(records, want) {
		t.Errorf("got %+v, %q, %v\nwant %+v", records, problems, err, want)
	}
}

func TestCollectionTemplates(t *testing.T) {
	for _, test := range []struct{ name, text, fatal, problem string }{
		{"syntax", "{{", "unclosed action", ""},
		{"no such method", "{{.Artist}}", "", "Artist"},
		{"endless", "{{range 1000000}}{{$.Field \"artist\"}}{{end}}", "", "more than 8192 bytes"},
	} {
		c := Collection{Catalog: artworks, Name: "art", Templates: []Template{{"en", test.text}}}
		_, problems, err := read(t, c)
		if (err != nil) != (test.fatal != "") || err != nil && !strings.Contains(err.Error(), test.fatal) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.fatal)
		}
		if test.problem != "" && (len(problems) != 2 || !strings.Contains(problems[0], test.problem) || !strings.HasPrefix(problems[0], "art#1: ")) {
			t.Errorf("%s: got problems %q, want %q", test.name, problems, test.problem)
		}
	}
	if _, _, err := read(t, Collection{Catalog: artworks, Name: "art"}); err == nil || !strings.Contains(err.Error(), "there is no text") {
		t.Errorf("no texts: got %v", err)
	}
	if _, _, err := read(t, Collection{Catalog: artworks, Name: "other", Captions: true}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("no collection: got %v", err)
	}
}

func TestCollectionInCatalog(t *testing.T) {
	store, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.CreateCollection(t.Context(), "art", 0); err != nil {
		t.Fatal(err)
	}
	image := artworks[0][0]
	image.SHA256 = strings.Repeat("ab", 32)
	if err := store.SaveImages(t.Context(), "art", "model", []catalog.Record{{Image: image, Vector: []float32{1}}}); err != nil {
		t.Fatal(err)
	}
	records, problems, err := read(t, Collection{Catalog: store, Name: "art", Captions: true})
	if err != nil || len(problems) > 0 || len(records) != 1 || len(records[0].Captions) != 2 || records[0].Picture.Within != "file:///art" {
		t.Errorf("got %+v, %q, %v", records, problems, err)
	}
}
