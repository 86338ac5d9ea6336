package evaluate

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseClasses(t *testing.T) {
	text := "\ufeffcat\n\n  red apple \r\n" + `{"label":"dog","prompts":{"EN":["Dog","puppy"],"de":["Hund"]}}
{"templates":{"en":["a photo of a {}."],"de":["ein Foto: {}","{}"]}}
`
	got, err := ParseClasses(strings.NewReader(text), "en")
	want := Classes{
		Classes: []Class{
			{"cat", map[string][]string{"en": {"cat"}}},
			{"red apple", map[string][]string{"en": {"red apple"}}},
			{"dog", map[string][]string{"en": {"Dog", "puppy"}, "de": {"Hund"}}},
		},
		Templates: map[string][]string{"en": {"a photo of a {}."}, "de": {"ein Foto: {}", "{}"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	if languages := got.Languages(); !slices.Equal(languages, []string{"de", "en"}) {
		t.Errorf("languages %q", languages)
	}
	if sentences := got.sentences(got.Classes[2], "en"); !slices.Equal(sentences, []string{"a photo of a dog", "a photo of a puppy"}) {
		t.Errorf("sentences %q", sentences)
	}
	if sentences := got.sentences(got.Classes[2], "de"); !slices.Equal(sentences, []string{"ein foto hund", "hund"}) {
		t.Errorf("sentences %q", sentences)
	}
}

func TestParseClassesRefuses(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "there are 0"},
		{"cat\n", "there are 1"},
		{"cat\ncat", `line 2: label "cat" stands there twice`},
		{"cat\n{", "line 2: it is no object"},
		{`{"label":"x"}`, "line 1: it has not both"},
		{`{"prompts":{"en":["x"]}}`, "it has not both"},
		{`{}`, "it has not both"},
		{`{"label":"x","prompts":{"en":[]}}`, `prompts of language "en" are empty`},
		{`{"label":"x","prompts":{"en":["y","?!"]}}`, `prompts of language "en" are empty`},
		{`{"label":"x","prompts":{"":["y"]}}`, `prompts of language "" are empty`},
		{`{"label":"x","prompts":{"en":["y"]},"prompt":"z"}`, "unknown field"},
		{`{"label":"x","prompts":{"en":["y"]}} {}`, "something follows"},
		{`{"templates":{"en":["a photo"]}}`, `"a photo" has no {}`},
		{`{"templates":{"en":[]}}`, "there are none"},
		{"...\ncat", `line 1: the prompts of language "en"`},
		{"\xff\ncat", "line 1: it is not UTF-8"},
		{"cat\n" + strings.Repeat("x", maxClassLine+1), "line 2: bufio.Scanner: token too long"},
	} {
		if got, err := ParseClasses(strings.NewReader(test.text), "en"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: got %+v, %v, want %q", test.text, got, err, test.want)
		}
	}
}

func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		"A Photo of a  Dog.":    "a photo of a dog",
		"french_horn, (brass)!": "french horn brass",
		"don't  \t stop":        "dont stop",
		"Ärger — «Straße»、東京":   "ärger — «straße»、東京",
		"[x] ~ `y` @z":          "x y z",
		" ._. ":                 "",
	} {
		if got := Canonical(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func FuzzParseClasses(f *testing.F) {
	f.Add("cat\ndog")
	f.Add(`{"label":"dog","prompts":{"en":["dog"]}}` + "\n" + `{"templates":{"en":["a {}"]}}` + "\ncat")
	f.Fuzz(func(t *testing.T, text string) {
		classes, err := ParseClasses(strings.NewReader(text), "en")
		if err != nil {
			return
		}
		if len(classes.Classes) < 2 {
			t.Errorf("%d classes", len(classes.Classes))
		}
		for _, class := range classes.Classes {
			if class.Label == "" || len(class.Prompts) == 0 {
				t.Errorf("class %+v", class)
			}
			for language := range class.Prompts {
				if sentences := classes.sentences(class, language); len(sentences) == 0 || slices.Contains(sentences, "") {
					t.Errorf("class %q has the sentences %q in %q", class.Label, sentences, language)
				}
			}
		}
	})
}
