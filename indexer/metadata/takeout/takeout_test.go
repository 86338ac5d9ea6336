package takeout

import (
	"reflect"
	"strings"
	"testing"

	"polylens/indexer/metadata"
)

func TestFind(t *testing.T) {
	long := "IMG_20240101_120000_a_rather_long_name_of_sixty_letters_all_in_all_01"
	for _, test := range []struct{ picture, file string }{
		{"IMG_1.jpg", "IMG_1.jpg.json"},
		{"IMG_1.JPG", "IMG_1.jpg.JSON"},
		{"IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"},
		{"IMG_1.jpg", "IMG_1.jpg.supplemental-me.json"},
		{"IMG_1.jpg", "IMG_1.jpg.suppl.json"},
		{"IMG_1.jpg", "IMG_1.jpg.s.json"},
		{"IMG_1.jpg", "IMG_1.jpg..json"},
		{"IMG_1(1).jpg", "IMG_1.jpg(1).json"},
		{"IMG_1(12).jpg", "IMG_1.jpg.supplemental-metadata(12).json"},
		{"IMG_1(1).jpg", "IMG_1.jpg.sup(1).json"},
		{"IMG_1(1).jpg", "IMG_1(1).jpg.json"},
		{"IMG_1(1).jpg", "IMG_1(1).jpg.supplemental-metadata.json"},
		{"IMG_1-edited.jpg", "IMG_1.jpg.json"},
		{"IMG_1-edited(2).jpg", "IMG_1.jpg(2).json"},
		{"IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"},
		{"IMG_1-modifie\u0301.jpg", "IMG_1.jpg.supplemental-metadata.json"},
		{long[:47] + ".jpg", long[:46] + ".json"},
		{long[:40] + ".jpg", long[:40] + ".jpg.s.json"},
		{long[:42] + ".jpg", long[:42] + ".jpg.json"},
		{long[:46] + ".jpg", long[:46] + ".json"},
		{"größer-" + long[:40] + ".jpg", "größer-" + long[:39] + ".json"},
		{"original_0a1b2c3d-1111-2222-3333-444455556666_P.jpg", "original_0a1b2c3d-1111-2222-3333-444455556666_.json"},
	} {
		if got := NewNames([]string{"other.jpg.json", test.file, "metadata.json"}).Find(test.picture); got != test.file {
			t.Errorf("%s: found %q, want %s", test.picture, got, test.file)
		}
	}
	for _, test := range []struct{ picture, file string }{
		{"IMG_1.jpg", "IMG_10.jpg.json"},
		{"IMG_1.jpg", "IMG_1.jpg(1).json"},
		{"IMG_1(1).jpg", "IMG_1.jpg.json"},
		{"IMG_1.jpg", "IMG_1.jpg.supplement.json.bak"},
		{"IMG_12.jpg", "IMG_1.json"},
		{"IMG_1.png", "IMG_1.jpg.json"},
		{long[:47] + ".jpg", long[:45] + ".json"}, // it was not cut
		{"-edited.jpg", ".jpg.json"},
	} {
		if got := NewNames([]string{test.file}).Find(test.picture); got != "" {
			t.Errorf("%s: found %s, which belongs to another", test.picture, got)
		}
	}
}

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       metadata.About
	}{
		{"whole", `{"title":"IMG 2.jpg","description":"a red bicycle","imageViews":"4","photoTakenTime":{"timestamp":"1258375918","formatted":"Nov 16, 2009"},
			"geoData":{"latitude":48.8,"longitude":-2.25,"altitude":35.5},"people":[{"name":"Ann"},{"name":"Bob"}],"url":"https://photos.google.com/x","favorited":true}`,
			metadata.About{Captions: []metadata.Caption{{Text: "a red bicycle"}}, Fields: map[string]any{
				"taken": "2009-11-16T12:51:58Z", "latitude": 48.8, "longitude": -2.25, "altitude": 35.5, "people": []any{"Ann", "Bob"}, "favorite": true}}},
		{"no place", `{"photoTakenTime":{"timestamp":0},"geoData":{"latitude":0.0,"longitude":0.0,"altitude":0.0},"geoDataExif":{"latitude":1,"longitude":2}}`,
			metadata.About{Fields: map[string]any{"taken": "1970-01-01T00:00:00Z", "latitude": 1., "longitude": 2.}}},
		{"bad fields", `{"description":7,"photoTakenTime":{"timestamp":"soon"},"geoData":[],"people":[{"name":"Ann"},7]}`,
			metadata.About{Fields: map[string]any{"people": []any{"Ann"}}, Warnings: []string{
				`its field "description" is left out: it is not a text`,
				`its field "photoTakenTime" is left out: its timestamp is not in seconds since 1970`,
				`its field "geoData" is left out: it has no latitude and longitude`,
				`element 1 of its field "people" is left out: it has no name`}}},
		{"before 1970", `{"photoTakenTime":{"timestamp":"-100000000"}}`, metadata.About{Fields: map[string]any{"taken": "1966-10-31T14:13:20Z"}}},
	} {
		fields, _, err := metadata.Parse([]byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := Read(fields); !Is(fields) || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
	if Is(map[string]any{"title": "a", "description": "b"}) {
		t.Error("a file of somebody else counts as Takeout's")
	}
}

func FuzzFind(f *testing.F) {
	f.Add("IMG_1(1).jpg", "IMG_1.jpg.sup(1).json")
	f.Add("IMG_1-edited.jpg", "IMG_1.jpg..json")
	f.Fuzz(func(t *testing.T, picture, file string) {
		names := NewNames([]string{file})
		if found := names.Find(picture); found != "" && found != file {
			t.Errorf("%q found %q among %q", picture, found, file)
		}
		own := picture + ".json"
		if got := NewNames([]string{own}).Find(picture); picture != "" && got != own && !strings.ContainsAny(picture, "(.)") {
			t.Errorf("%q does not find %q but %q", picture, own, got)
		}
	})
}
