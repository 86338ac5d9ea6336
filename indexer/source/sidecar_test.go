package source

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"polylens/indexer/metadata"
)

func TestParseSidecar(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       Sidecar
	}{
		{"objects", `{"captions":[{"language":"pt_BR","text":" cão "},{"text":"x"}]}`,
			Sidecar{map[string]any{}, []Caption{{"pt-BR", "cão"}, {"", "x"}}}},
		{"map", `{"captions":{"zh":"狗","ar":["كلب","جرو"]},"k":{"deep":[1,null]}}`,
			Sidecar{map[string]any{"k": map[string]any{"deep": []any{1.0, nil}}}, []Caption{{"ar", "كلب"}, {"ar", "جرو"}, {"zh", "狗"}}}},
		{"one object", `{"captions":{"language":"de","text":"Hund"}}`, Sidecar{map[string]any{}, []Caption{{"de", "Hund"}}}},
		{"texts", `{"captions":["a",""],"caption":"b","text":"c"}`, Sidecar{map[string]any{}, []Caption{{"", "a"}, {"", "b"}, {"", "c"}}}},
		{"text that is none", `{"text":5,"captions":null}`, Sidecar{map[string]any{"text": 5.0}, nil}},
		{"tags", "\ufeff" + `{"tags":["a","b"]}`, Sidecar{map[string]any{"tags": []any{"a", "b"}}, nil}},
		{"long ID", `{"id":1234567890123456789}`, Sidecar{map[string]any{"id": int64(1234567890123456789)}, nil}},
		{"null", `null`, Sidecar{}},
	} {
		got, err := ParseSidecar([]byte(test.data))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
}

func TestParseSidecarRefuses(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"list", `[]`, "not a JSON object"},
		{"empty", ``, "not a JSON object"},
		{"two values", `{} {}`, "not a JSON object"},
		{"number beyond float64", `{"n":1e999}`, `its field "n": number 1e999`},
		{"captions", `{"captions":5}`, "captions"},
		{"nested captions", `{"captions":[["a"]]}`, "element 0"},
		{"language", `{"captions":{"not a language":"x"}}`, "language tag"},
		{"empty language", `{"captions":{"":"x"}}`, "language is empty"},
		{"NUL", `{"captions":["a\u0000b"]}`, "not text"},
		{"long caption", `{"captions":["` + strings.Repeat("a", metadata.MaxCaption+1) + `"]}`, "at most 8192"},
		{"many captions", `{"captions":["a"` + strings.Repeat(`,"a"`, metadata.MaxCaptions) + `]}`, "at most 2000"},
		{"tags", `{"tags":"a,b"}`, "tags"},
		{"tag", `{"tags":["a",1]}`, "tags"},
		{"large metadata", `{"k":"` + strings.Repeat("a", MaxMetadata) + `"}`, "at most 60000"},
		{"large", `{"k":"` + strings.Repeat("a", maxSidecar) + `"}`, "at most 1048576"},
		{"deep", strings.Repeat(`{"a":`, 20000), "not a JSON object"},
	} {
		if _, err := ParseSidecar([]byte(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
		}
	}
}

func FuzzParseSidecar(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"captions":[{"language":"en","text":"dog"},"cat"],"tags":["a"],"n":1e3}`,
		`{"captions":{"en":["a","b"],"zh-Hant":"狗"}}`, `{"text":"a","caption":"b"}`, `{"captions":[[]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sidecar, err := ParseSidecar(data)
		var lost *LostError // the rest is there all the same
		if err != nil && !errors.As(err, &lost) {
			return
		}
		for _, caption := range sidecar.Captions {
			if caption.Text == "" || caption.check() != nil {
				t.Errorf("caption %+v was accepted", caption)
			}
		}
		text, err := json.Marshal(sidecar.Metadata)
		if err != nil || len(text) > MaxMetadata {
			t.Errorf("metadata was accepted that cannot be stored: %d bytes, %v", len(text), err)
		}
		var back map[string]any
		if err := json.Unmarshal(text, &back); err != nil || len(back) != len(sidecar.Metadata) {
			t.Errorf("metadata changed by being stored: %s, %v", text, err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"file_name":"a.png","n":1}` + "\n" + `{"file_name":"b/c.png"}`))
	f.Add([]byte("file_name,text\na.png,\"x, y\"\nb.png\n"))
	f.Add([]byte("file_name,file_name\na,\"b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []parseManifest{parseLines, parseTable} {
			entries := parse(data, room{maxManifest, mostEntries}, func(place string, err error) {
				if place == "" || err == nil {
					t.Errorf("problem %q, %v", place, err)
				}
			})
			for name, entry := range entries {
				if name == "" || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") && (len(name) == 2 || name[2] == '/') {
					t.Errorf("entry %q leads out of the folder", name)
				}
				if !json.Valid(entry.data) {
					t.Errorf("entry %q holds no JSON", name)
				}
			}
		}
	})
}
