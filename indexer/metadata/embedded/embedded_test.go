package embedded

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"polylens/indexer/metadata"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// every is what all the pictures every.EXT say that have EXIF and XMP.
var every = map[string]any{
	"taken": "2024-05-01T18:30:05+02:00", "camera": "NIKON D750", "camera_make": "NIKON CORPORATION",
	"lens": "AF-S NIKKOR 50mm f/1.8G", "latitude": 48.8583736, "longitude": -2.2944813, "altitude": -35.5,
	"exposure_time": 0.005, "f_number": 1.8, "iso": 400., "focal_length": 50., "rating": 4., "label": "Green",
	"tags": []any{"bicycle", "赤", "Paris"}, "people": []any{"Ann", "Bob", "Cleo"},
	"creator": "Zoë Müller", "copyright": "© Zoë",
	"location": "Quai Branly", "city": "Paris", "state": "Île-de-France", "country": "France",
}

func TestEveryContainer(t *testing.T) {
	captions := []metadata.Caption{{Text: "Crossing"}, {Language: "de", Text: "Ein rotes Fahrrad"}, {Language: "en", Text: "A red bicycle"}}
	withIPTC := append(captions, metadata.Caption{Text: "Überfahrt"})
	xmpOnly := maps.Clone(every)
	for _, name := range []string{"taken", "camera", "camera_make", "lens", "latitude", "longitude", "altitude", "exposure_time",
		"f_number", "iso", "focal_length", "creator", "copyright"} {
		delete(xmpOnly, name)
	}
	for extension, want := range map[string]metadata.About{
		"jpg": {Fields: every, Captions: withIPTC}, "tif": {Fields: every, Captions: withIPTC}, "jp2": {Fields: every, Captions: withIPTC},
		"png": {Fields: every, Captions: captions}, "webp": {Fields: every, Captions: captions},
		"heic": {Fields: every, Captions: captions}, "avif": {Fields: every, Captions: captions},
		"gif": {Fields: xmpOnly, Captions: captions},
	} {
		check(t, "every."+extension, want)
	}
}

func check(t *testing.T, name string, want metadata.About) {
	t.Helper()
	got := Read(fixture(t, name))
	if want.Fields == nil {
		want.Fields = map[string]any{}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", name, text(t, got), text(t, want))
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestWhatProgramsWrite: each of these was lost or misread by some reader.
func TestWhatProgramsWrite(t *testing.T) {
	caption := func(texts ...string) []metadata.Caption {
		var list []metadata.Caption
		for _, text := range texts {
			list = append(list, metadata.Caption{Text: text})
		}
		return list
	}
	for name, want := range map[string]metadata.About{
		"big.tif": {Captions: caption("A red bicycle")},
		"iptc_latin1.jpg": {Captions: caption("Ein rotes Fahrrad, größer"), Fields: map[string]any{
			"tags": []any{"grün"}, "creator": "Zoë", "taken": "2019-12-24T18:00:00+01:00"}},
		"iptc_unmarked.jpg": {Captions: caption("größer 赤")},
		"satellite.jpg":     {Fields: map[string]any{"taken": "2024-05-01T18:30:05+05:30"}},
		"no_zone.jpg":       {Fields: map[string]any{"taken": "2024-05-01T18:30:05"}},
		"zone_in_xmp.jpg":   {Fields: map[string]any{"taken": "2024-05-01T18:30:05-03:00"}},
		"windows.jpg":       {Captions: caption("Ein Fahrrad 赤"), Fields: map[string]any{"tags": []any{"rot", "alt"}, "creator": "Zoë", "rating": 3.}},
		"comment.jpg":       {Captions: caption("赤い自転車")},
		"placeholder.jpg":   {},
		"nowhere.jpg":       {},
		"iptc_changed.jpg":  {Fields: map[string]any{"tags": []any{"new"}}},
		"raw_profile.png": {Captions: caption("Ein rotes Fahrrad, größer"), Fields: map[string]any{
			"tags": []any{"grün"}, "creator": "Zoë", "taken": "2019-12-24T18:00:00+01:00"}},
		"texts.png": {Captions: []metadata.Caption{{Text: "größer"}, {Language: "de", Text: "ein rotes Fahrrad"}},
			Fields: map[string]any{"creator": "Zoë", "copyright": "mine", "taken": "2024-05-01T18:30:05Z"}},
		"extended.jpg": {Captions: caption(strings.TrimSpace(strings.Repeat("far ", 2000))), Fields: map[string]any{"tags": []any{"near"}}},
		"bomb.png":     {Warnings: []string{"a text of it is left out: Title: unpacked it has more than 4194304 bytes"}},
	} {
		check(t, name, want)
	}
}

// TestDamage: whatever byte is lost, what lies before it and the other standards stay.
func TestDamage(t *testing.T) {
	data := fixture(t, "every.jpg")
	at := strings.Index(string(data), "AF-S NIKKOR")
	lens := append([]byte(nil), data...)
	for i := range 4 { // the offset of the lens's name now leads out of the block
		entry := strings.Index(string(lens), "\xa4\x34\x00\x02")
		lens[entry+8+i] = 0xFE
	}
	got := Read(lens)
	want := maps.Clone(every)
	delete(want, "lens")
	if at < 0 || !reflect.DeepEqual(got.Fields, want) {
		t.Errorf("with one field that is lost:\n got %s\nwant %s", text(t, got.Fields), text(t, want))
	}
	for _, name := range []string{"every.jpg", "every.png", "every.heic", "every.avif", "every.tif", "every.webp", "every.jp2", "every.gif"} {
		data := fixture(t, name)
		for n := 0; n < len(data); n += 7 {
			sound(t, Read(data[:n]))
		}
	}
}

// sound is what holds of anything that is read.
func sound(t *testing.T, about metadata.About) {
	t.Helper()
	for _, caption := range about.Captions {
		if caption.Text == "" || len(caption.Text) > metadata.MaxCaption || caption.Language != "" && !metadata.IsLanguage(caption.Language) {
			t.Errorf("caption %+v", caption)
		}
	}
	if north, ok := about.Fields["latitude"].(float64); ok && (north < -90 || north > 90) {
		t.Errorf("latitude %g", north)
	}
	for _, warning := range about.Warnings {
		if strings.Contains(warning, "runtime error") {
			t.Errorf("a reader panicked: %s", warning)
		}
	}
	var back metadata.About
	if err := json.Unmarshal([]byte(text(t, about)), &back); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil || len(names) < 20 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		if filepath.Ext(name) != ".py" && filepath.Base(name) != "bomb.png" {
			f.Add(fixture(f, filepath.Base(name)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { sound(t, Read(data)) })
}

func BenchmarkRead(b *testing.B) {
	data := fixture(b, "every.jpg")
	for b.Loop() {
		Read(data)
	}
}
