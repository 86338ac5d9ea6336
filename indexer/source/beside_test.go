package source

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"polylens/indexer/metadata"
)

const xmpText = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="RATING"><dc:description>TEXT</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>`

func xmpOf(text, rating string) string {
	return strings.NewReplacer("TEXT", text, "RATING", rating).Replace(xmpText)
}

const takeoutText = `{"title":"a.jpg","description":"from Takeout","photoTakenTime":{"timestamp":"1258375918"},"people":[{"name":"Ann"}]}`

// TestBeside: whatever lies beside a picture arrives, the nearer and more explicit over
// the rest.
func TestBeside(t *testing.T) {
	ann := map[string]any{"taken": "2009-11-16T12:51:58Z", "people": []any{"Ann"}}
	takeout := metadata.About{Fields: ann, Captions: []metadata.Caption{{Text: "from Takeout"}}}
	for _, test := range []struct {
		name  string
		files map[string]string
		own   Sidecar
		noted metadata.About
	}{
		{"Takeout", map[string]string{"a.jpg": "", "a.jpg.supplemental-metadata.json": takeoutText}, Sidecar{}, takeout},
		{"Takeout until 2024", map[string]string{"a.jpg": "", "a.jpg.json": takeoutText}, Sidecar{}, takeout},
		{"Takeout with a mark", map[string]string{"a.jpg": "", "a.jpg.json": "\ufeff" + takeoutText}, Sidecar{}, takeout},
		{"Takeout, numbered", map[string]string{"a(1).jpg": "", "a.jpg.sup(1).json": takeoutText}, Sidecar{}, takeout},
		{"Takeout beside one's own", map[string]string{"a.jpg": "", "a.json": `{"n":1}`, "a.jpg.json": takeoutText},
			Sidecar{Metadata: map[string]any{"n": 1.}}, takeout},
		{"XMP", map[string]string{"a.jpg": "", "a.xmp": xmpOf("short", "2"), "a.jpg.XMP": xmpOf("red", "4")},
			Sidecar{}, metadata.About{Fields: map[string]any{"rating": 4.}, Captions: []metadata.Caption{{Text: "red"}}}},
		{"XMP and Takeout", map[string]string{"a.jpg": "", "a.xmp": xmpOf("red", "2"), "a.jpg.json": takeoutText},
			Sidecar{}, metadata.About{Fields: map[string]any{"rating": 2., "taken": ann["taken"], "people": ann["people"]}, Captions: takeout.Captions}},
		{"texts", map[string]string{"a.jpg": "", "a.txt": "\ufeffa red bicycle\r\n\n a fox \n"},
			Sidecar{Captions: []Caption{{"", "a red bicycle"}, {"", "a fox"}}}, metadata.About{}},
		{"caption", map[string]string{"A.jpg": "", "a.Caption": "a fox"}, Sidecar{Captions: []Caption{{"", "a fox"}}}, metadata.About{}},
		{"text over table", map[string]string{"a.jpg": "", "a.txt": "near", "metadata.csv": "file_name,text,n\na.jpg,far,1\n"},
			Sidecar{Metadata: map[string]any{"n": "1"}, Captions: []Caption{{"", "near"}}}, metadata.About{}},
	} {
		folder := t.TempDir()
		write(t, folder, test.files)
		f := walkAll(t, folder)
		if len(f.items) != 1 || len(f.problems) > 0 || !reflect.DeepEqual(f.items[0].Sidecar, test.own) || !reflect.DeepEqual(f.items[0].Noted, test.noted) {
			t.Errorf("%s:\n got %+v, problems %v\nwant %+v %+v", test.name, f.items, f.problems, test.own, test.noted)
		}
	}
}

// TestBadFieldsBeside: one bad field is named and loses itself alone.
func TestBadFieldsBeside(t *testing.T) {
	for name, test := range map[string]struct {
		file, content string
		metadata      map[string]any
		captions      int
		rating        any
		want          string
	}{
		"tags":      {"a.jpg.json", `{"caption":"x","tags":"red,blue","n":1}`, map[string]any{"n": 1.}, 1, nil, "tags"},
		"tag":       {"a.jpg.json", `{"tags":["a",1]}`, map[string]any{"tags": []any{"a"}}, 0, nil, "tags"},
		"captions":  {"a.jpg.json", `{"captions":[["a","b"],"c"],"n":1}`, map[string]any{"n": 1.}, 1, nil, "element 0"},
		"language":  {"a.jpg.json", `{"captions":{"not one":"x","de":"y"}}`, map[string]any{}, 1, nil, "language tag"},
		"number":    {"a.jpg.json", `{"caption":"x","score":NaN}`, map[string]any{"score": nil}, 1, nil, "NaN"},
		"too large": {"a.jpg.json", `{"n":1,"k":"` + strings.Repeat("a", MaxMetadata) + `"}`, map[string]any{"n": 1.}, 0, nil, `"k"`},
		"rating":    {"a.xmp", xmpOf("red", "many"), nil, 0, nil, "rating"},
		"line":      {"a.txt", "good\nbad\xff\n", nil, 1, nil, "line 2"},
		"long line": {"a.txt", strings.Repeat("a", metadata.MaxCaption+1) + "\ngood", nil, 1, nil, "line 1"},
	} {
		folder := t.TempDir()
		write(t, folder, map[string]string{"a.jpg": "", test.file: test.content})
		f := walkAll(t, folder)
		if len(f.items) != 1 || len(f.problems) != 1 || !strings.Contains(f.problems[0].Err.Error(), test.want) ||
			!strings.HasSuffix(f.problems[0].URI, test.file) {
			t.Errorf("%s: %d items, problems %v, want one about %s", name, len(f.items), f.problems, test.want)
			continue
		}
		if item := f.items[0]; !reflect.DeepEqual(item.Metadata, test.metadata) || len(item.Captions) != test.captions {
			t.Errorf("%s: got %+v", name, item.Sidecar)
		}
	}
}

// TestParquet: a manifest in Parquet, nearest folder first, is read as the others are.
func TestParquet(t *testing.T) {
	data, err := os.ReadFile("../metadata/table/testdata/snappy.parquet")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"train/a.png": "", "train/sub/b.png": "", "train/sub/metadata.csv": "file_name,word\nb.png,near\n", "train/metadata.parquet": string(data),
		"test/a.png": "", "test/metadata.parquet": "PAR1 and no more",
	})
	f := walkAll(t, folder)
	if names := f.names(t, folder); !reflect.DeepEqual(names, []string{"test/a.png", "train/a.png", "train/sub/b.png"}) {
		t.Fatal(names)
	}
	first, second := f.items[1], f.items[2]
	if first.Metadata["id"] != 1. || len(first.Captions) != 2 || second.Metadata["word"] != "near" || second.Metadata["id"] != int64(9007199254740993) ||
		len(second.Captions) != 1 || second.Captions[0].Text != "größer" {
		t.Errorf("got %+v and %+v", first.Sidecar, second.Sidecar)
	}
	var places []string
	for _, problem := range f.problems {
		places = append(places, strings.TrimPrefix(problem.URI, "file://"+folder))
	}
	if want := []string{"/test/metadata.parquet", "/train/metadata.parquet#row=0"}; !reflect.DeepEqual(places, want) {
		t.Errorf("problems at %v, want %v", places, want)
	}
}

func FuzzCaptionLines(f *testing.F) {
	f.Add([]byte("\ufeffa red bicycle\r\n\n a fox \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		captions, _ := captionLines(data)
		for _, caption := range captions {
			if caption.Text == "" || strings.Contains(caption.Text, "\n") || caption.check() != nil {
				t.Errorf("caption %+v was accepted", caption)
			}
		}
	})
}
