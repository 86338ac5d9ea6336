package main

import (
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/trainer/evaluate"
)

func TestParsePairs(t *testing.T) {
	english := func(texts ...string) []catalog.Caption {
		var captions []catalog.Caption
		for _, text := range texts {
			captions = append(captions, catalog.Caption{Language: "en", Text: text})
		}
		return captions
	}
	long := strings.Repeat("x", search.MaxTextBytes+1)
	for name, test := range map[string]struct {
		file string
		want []gatePicture
		err  string
	}{
		"none":              {"", nil, ""},
		"blank lines":       {"\n  \r\n\n", nil, ""},
		"text":              {`{"image":"a.jpg","text":"a fish"}`, []gatePicture{{"/in/a.jpg", []catalog.Caption{{Language: "und", Text: "a fish"}}}}, ""},
		"captions":          {`{"image":"a.jpg","captions":{"en":"a fish"}}`, []gatePicture{{"/in/a.jpg", english("a fish")}}, ""},
		"region":            {`{"image":"a.jpg","captions":{"pt_BR":"um peixe"}}`, []gatePicture{{"/in/a.jpg", []catalog.Caption{{Language: "pt-br", Text: "um peixe"}}}}, ""},
		"absolute path":     {`{"image":"/else/a.jpg","captions":{"en":"a"}}`, []gatePicture{{"/else/a.jpg", english("a")}}, ""},
		"lines of one":      {`{"image":"a.jpg","captions":{"en":"a"}}` + "\n" + `{"image":"./a.jpg","captions":{"en":"b"}}`, []gatePicture{{"/in/a.jpg", english("a", "b")}}, ""},
		"two":               {`{"image":"b.jpg","captions":{"en":"b"}}` + "\n\n" + `{"image":"a.jpg","captions":{"en":"a"}}`, []gatePicture{{"/in/b.jpg", english("b")}, {"/in/a.jpg", english("a")}}, ""},
		"a text too long":   {`{"image":"a.jpg","captions":{"en":["` + long + `","short"]}}`, []gatePicture{{"/in/a.jpg", english("short")}}, ""},
		"no text but that":  {`{"image":"a.jpg","captions":{"en":"` + long + `"}}`, nil, "line 1"},
		"no image":          {`{"text":"a fish"}`, nil, `line 1: its field "image"`},
		"empty image":       {`{"image":"","text":"a fish"}`, nil, `"image"`},
		"image is a number": {`{"image":7,"text":"a fish"}`, nil, `"image"`},
		"no captions":       {"\n" + `{"image":"a.jpg"}`, nil, `line 2: it has no text`},
		"blank captions":    {`{"image":"a.jpg","captions":{"en":" "}}`, nil, "no text"},
		"captions no texts": {`{"image":"a.jpg","captions":7}`, nil, `"captions"`},
		"no JSON":           {"a.jpg\ta fish", nil, "line 1: it is not a JSON object"},
		"endless line":      {strings.Repeat("x", maxPairsLine+1), nil, "line 1"},
	} {
		got, err := parsePairs(strings.NewReader(test.file), "/in")
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: error %v, want %q", name, err, test.err)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func FuzzParsePairs(f *testing.F) {
	for _, seed := range []string{
		`{"image":"a.jpg","text":"a fish"}`, `{"image":"a","captions":{"en":"x","de":["y","z"]}}` + "\n" + `{"image":"./a","caption":"w"}`,
		`{"image":"\u0000","text":"\ud800"}`, "{}\n[]\nnull\n", "\ufeff{\"image\":\"a\",\"text\":\"b\"}", `{"image":"../../a","captions":[{"language":"en","text":"x"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		pictures, err := parsePairs(strings.NewReader(file), "/in")
		if err != nil && pictures != nil {
			t.Error("an error beside pictures")
		}
		seen := map[string]bool{}
		for _, picture := range pictures {
			if seen[picture.path] || !filepath.IsAbs(picture.path) || len(picture.captions) == 0 {
				t.Errorf("picture %+v, seen %v", picture, seen[picture.path])
			}
			seen[picture.path] = true
			for _, caption := range picture.captions {
				if evaluate.Fold(caption.Text) == "" || len(evaluate.Fold(caption.Text)) > search.MaxTextBytes || caption.Language == "" {
					t.Errorf("%s has the caption %+v", picture.path, caption)
				}
			}
		}
	})
}

func TestReadGatePairs(t *testing.T) {
	folder := t.TempDir()
	drawFolder(t, folder, 1, 5)
	drawPicture(t, folder, "silent.png", 9)
	writeFile(t, filepath.Join(folder, "pairs.ndjson"), `{"image":"silent.png","captions":{"de":"ein Bild","en":"a picture"}}`)
	log := slog.New(slog.DiscardHandler)
	for name, test := range map[string]struct {
		path      string
		limit     int
		pictures  []string
		languages []string
	}{
		"folder": {folder, 100, []string{"picture-001.png", "picture-002.png", "picture-003.png", "picture-004.png", "picture-005.png"}, []string{"und"}},
		"limit":  {folder, 2, []string{"picture-001.png", "picture-003.png"}, []string{"und"}},
		"file":   {filepath.Join(folder, "pairs.ndjson"), 100, []string{"silent.png"}, []string{"de", "en"}},
	} {
		pairs, err := readGatePairs(t.Context(), test.path, test.limit, log)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, picture := range pairs.pictures {
			names = append(names, filepath.Base(picture.path))
		}
		slices.Sort(pairs.languages)
		if !slices.Equal(names, test.pictures) || !slices.Equal(pairs.languages, test.languages) || !pairs.own || pairs.source != test.path {
			t.Errorf("%s: %v in %v of %q", name, names, pairs.languages, pairs.source)
		}
	}
}

func TestSpread(t *testing.T) {
	var all []gatePicture
	for i := range 10 {
		all = append(all, gatePicture{path: string(rune('a' + i))})
	}
	for limit, want := range map[int]string{1: "a", 2: "af", 3: "adg", 9: "abcdefghi", 10: "abcdefghij", 11: "abcdefghij"} {
		var got string
		for _, picture := range spread(all, limit) {
			got += picture.path
		}
		if got != want {
			t.Errorf("%d of ten are %q, want %q", limit, got, want)
		}
	}
}
