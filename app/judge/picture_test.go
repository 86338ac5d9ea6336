package judge

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// longest is the longest text that is searched for in these tests, in bytes.
const longest = 1024

// readLines reads a file in a folder, and returns what is wrong with it.
func readLines(t testing.TB, folder, content string) (pictures []Picture, problems string, err error) {
	t.Helper()
	path := filepath.Join(folder, "pairs.ndjson")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	source := data.Lines{Path: path, Options: data.ReadOptions{Anywhere: true, Attributes: []string{"kind"}}}
	pictures, err = Read(t.Context(), source, "kind", func(p data.Problem) { problems += p.Error() + "\n" })
	return pictures, problems, err
}

func TestSearchable(t *testing.T) {
	folder := t.TempDir()
	english := func(place string, texts ...string) Picture {
		picture := Picture{Place: data.Picture{URI: "file://" + place}}
		for _, text := range texts {
			picture.Texts = append(picture.Texts, evaluate.Text{Language: "en", Text: text})
		}
		return picture
	}
	in := func(language, text string) Picture {
		picture := english(folder + "/a.jpg")
		picture.Texts = []evaluate.Text{{Language: language, Text: text}}
		return picture
	}
	long := strings.Repeat("x", longest+1)
	for name, test := range map[string]struct {
		file    string
		want    []Picture
		problem string
	}{
		"none":              {"", nil, ""},
		"blank lines":       {"\n  \r\n\n", nil, ""},
		"text":              {`{"image":"a.jpg","text":"a fish"}`, []Picture{in("und", "a fish")}, ""},
		"captions":          {`{"image":"a.jpg","captions":{"en":"a fish"}}`, []Picture{in("en", "a fish")}, ""},
		"region":            {`{"image":"a.jpg","captions":{"pt_BR":"um peixe"}}`, []Picture{in("pt-br", "um peixe")}, ""},
		"absolute path":     {`{"image":"/else/a.jpg","captions":{"en":"a"}}`, []Picture{english("/else/a.jpg", "a")}, ""},
		"lines of one":      {`{"image":"a.jpg","captions":{"en":"a"}}` + "\n" + `{"image":"./a.jpg","captions":{"en":"b"}}`, []Picture{english(folder+"/a.jpg", "a", "b")}, ""},
		"two":               {`{"image":"b.jpg","captions":{"en":"b"}}` + "\n\n" + `{"image":"a.jpg","captions":{"en":"a"}}`, []Picture{english(folder+"/b.jpg", "b"), english(folder+"/a.jpg", "a")}, ""},
		"a text too long":   {`{"image":"a.jpg","captions":{"en":["` + long + `","short"]}}`, []Picture{english(folder+"/a.jpg", "short")}, ""},
		"no text but that":  {`{"image":"a.jpg","captions":{"en":"` + long + `"}}`, nil, ""},
		"no captions":       {"\n" + `{"image":"a.jpg"}`, nil, ""},
		"blank captions":    {`{"image":"a.jpg","captions":{"en":" "}}`, nil, ""},
		"no image":          {`{"text":"a fish"}`, nil, `:1: no field says where the picture is`},
		"empty image":       {`{"image":"","text":"a fish"}`, nil, `image`},
		"image is a number": {`{"image":7,"text":"a fish"}`, nil, `image`},
		"captions no texts": {`{"image":"a.jpg","captions":7}`, nil, `"captions"`},
		"no JSON":           {"a.jpg\ta fish", nil, ":1: it is not a JSON object"},
	} {
		pictures, problems, err := readLines(t, folder, test.file)
		if err != nil || (problems == "") != (test.problem == "") || !strings.Contains(problems, test.problem) {
			t.Errorf("%s: problems %q, error %v, want %q", name, problems, err, test.problem)
		}
		if got := Searchable(pictures, longest); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if _, _, err := readLines(t, folder, strings.Repeat("x", 1<<20+1)); err == nil || !strings.Contains(err.Error(), ":1: ") {
		t.Errorf("an endless line gives %v", err)
	}
}

// TestRead: what several lines say about a picture adds up, and a picture without a
// description is there too.
func TestRead(t *testing.T) {
	folder := t.TempDir()
	got, problems, err := readLines(t, folder, `{"image":"a.jpg","text":"a fish","language":"EN","item":"fish","kind":"animal"}
{"image":"b.jpg"}
{"image":"a.jpg","text":"blue","item":"sea","kind":"thing"}
`)
	want := []Picture{
		{data.Picture{URI: "file://" + folder + "/a.jpg"}, []string{"fish", "sea"}, []evaluate.Text{{Language: "EN", Text: "a fish"}, {Language: "und", Text: "blue"}}, []string{"animal", "thing"}},
		{Place: data.Picture{URI: "file://" + folder + "/b.jpg"}},
	}
	if err != nil || problems != "" || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, problems %q, error %v, want %+v", got, problems, err, want)
	}
}

func FuzzSearchable(f *testing.F) {
	for _, seed := range []string{
		`{"image":"a.jpg","text":"a fish"}`, `{"image":"a","captions":{"en":"x","de":["y","z"]}}` + "\n" + `{"image":"./a","caption":"w"}`,
		`{"image":"\u0000","text":"\ud800"}`, "{}\n[]\nnull\n", "\ufeff{\"image\":\"a\",\"text\":\"b\"}", `{"image":"../../a","captions":[{"language":"en","text":"x"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		pictures, _, err := readLines(t, t.TempDir(), file)
		if err != nil {
			return
		}
		seen := map[data.Picture]bool{}
		for _, picture := range Searchable(pictures, longest) {
			if seen[picture.Place] || !absolute(picture.Place.URI) || len(picture.Texts) == 0 {
				t.Errorf("picture %+v, seen %v", picture, seen[picture.Place])
			}
			seen[picture.Place] = true
			for _, text := range picture.Texts {
				if evaluate.Fold(text.Text) == "" || len(evaluate.Fold(text.Text)) > longest || text.Language == "" {
					t.Errorf("%s has the text %+v", picture.Place, text)
				}
			}
		}
	})
}

func absolute(uri string) bool {
	return strings.HasPrefix(uri, "file:///") || strings.HasPrefix(uri, "http://") || strings.HasPrefix(uri, "https://")
}
