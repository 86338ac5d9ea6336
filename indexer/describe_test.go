package indexer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/metadata"
	"polylens/indexer/source"
)

// countingDecoder counts the files that are opened.
type countingDecoder struct {
	Decoder
	read *atomic.Int32
}

func (d countingDecoder) Read(ctx context.Context, name string, open decode.Open) (decode.Content, error) {
	d.read.Add(1)
	return d.Decoder.Read(ctx, name, open)
}

func withMetadata(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("metadata", "embedded", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// newReadingBench has a folder with one picture that says much of itself.
func newReadingBench(t *testing.T) (*bench, *atomic.Int32) {
	b := newBench(t, Options{})
	read := new(atomic.Int32)
	b.decoder = countingDecoder{testDecoder, read}
	write(t, b.folder, map[string][]byte{"a.jpg": withMetadata(t, "every.jpg")})
	return b, read
}

// TestEmbeddedMetadata: it is read once, and merged with what lies beside the picture
// without opening the picture again.
func TestEmbeddedMetadata(t *testing.T) {
	b, read := newReadingBench(t)
	wantCounts(t, "new", b.run(t), counts{encoded: 1})
	image := b.image(t, "a.jpg")
	if image.Metadata["taken"] != "2024-05-01T18:30:05+02:00" || image.Metadata["camera"] != "NIKON D750" || image.Metadata["latitude"] != 48.8583736 {
		t.Errorf("got %v", image.Metadata)
	}
	if len(image.Captions) != 4 || image.Captions[1] != (catalog.Caption{Language: "de", Text: "Ein rotes Fahrrad"}) {
		t.Errorf("got captions %v", image.Captions)
	}
	wantCounts(t, "again", b.run(t), counts{skipped: 1})

	write(t, b.folder, map[string][]byte{
		"a.jpg.json": []byte(`{"caption":"mine","camera":"a box","n":1}`),
		"a.jpg.xmp": []byte(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" ` +
			`xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmp:Rating="2" photoshop:City="Bonn"/></rdf:RDF>`),
	})
	wantCounts(t, "with sidecars", b.run(t), counts{reused: 1})
	image = b.image(t, "a.jpg")
	for name, want := range map[string]any{"camera": "a box", "n": 1., "rating": 2., "city": "Bonn", "lens": "AF-S NIKKOR 50mm f/1.8G"} {
		if image.Metadata[name] != want {
			t.Errorf("%s is %v, want %v", name, image.Metadata[name], want)
		}
	}
	if len(image.Captions) != 1 || image.Captions[0].Text != "mine" {
		t.Errorf("got captions %v", image.Captions)
	}

	b.remove(t, "a.jpg.json")
	b.remove(t, "a.jpg.xmp")
	wantCounts(t, "without sidecars", b.run(t), counts{reused: 1})
	if image = b.image(t, "a.jpg"); image.Metadata["camera"] != "NIKON D750" || len(image.Captions) != 4 {
		t.Errorf("got %v, %v", image.Metadata, image.Captions)
	}
	if n := read.Load(); n != 1 {
		t.Errorf("the picture was opened %d times, want once", n)
	}
}

// TestEmbeddedOfKnownContent: a picture that needs no encoding has all its metadata, and
// so has one that was indexed before metadata was read.
func TestEmbeddedOfKnownContent(t *testing.T) {
	b, read := newReadingBench(t)
	b.run(t)
	write(t, b.folder, map[string][]byte{"copy.jpg": withMetadata(t, "every.jpg")})
	wantCounts(t, "with a copy", b.run(t), counts{reused: 1, skipped: 1})
	if image := b.image(t, "copy.jpg"); image.Metadata["camera"] != "NIKON D750" {
		t.Errorf("the copy has %v", image.Metadata)
	}

	before := read.Load()
	for _, name := range []string{"a.jpg", "copy.jpg"} {
		b.forgetEmbedded(t, name)
	}
	wantCounts(t, "images from before", b.run(t), counts{reused: 2})
	if image := b.image(t, "copy.jpg"); image.Metadata["camera"] != "NIKON D750" {
		t.Errorf("got %v", image.Metadata)
	}
	if n := read.Load() - before; n < 1 || n > 2 || b.encoder.encoded() != 1 {
		t.Errorf("%d files were opened and %d encoded", n, b.encoder.encoded())
	}
	wantCounts(t, "once more", b.run(t), counts{skipped: 2})
}

// forgetEmbedded makes an image as versions left it that did not look into pictures.
func (b *bench) forgetEmbedded(t *testing.T, name string) {
	t.Helper()
	image := b.image(t, name)
	vector, err := b.store.Vector(t.Context(), "c", image.ID, "f1")
	if err != nil {
		t.Fatal(err)
	}
	image.Embedded, image.Metadata, image.Captions = "", nil, nil
	if err := b.store.SaveImages(t.Context(), "c", "f1", []catalog.Record{{Image: image, Vector: vector}}); err != nil {
		t.Fatal(err)
	}
}

// TestMetadataChoice: what a collection does not want is nowhere in the catalogue, also
// when it was wanted before, and comes back when it is wanted again.
func TestMetadataChoice(t *testing.T) {
	b, _ := newReadingBench(t)
	write(t, b.folder, map[string][]byte{"a.jpg.json": []byte(`{"photoTakenTime":{"timestamp":"1714581005"},"geoData":{"latitude":1,"longitude":2},"people":[{"name":"Zoë"}]}`)})
	choose := func(choice catalog.MetadataChoice) catalog.Image {
		b.runAs(t, func(r *Request) { r.Metadata = choice })
		return b.image(t, "a.jpg")
	}
	for _, step := range []struct {
		choice           catalog.MetadataChoice
		latitude, camera any
	}{
		{"", 1., "NIKON D750"}, {catalog.WithoutPlace, nil, "NIKON D750"}, {"", nil, "NIKON D750"},
		{catalog.NoMetadata, nil, nil}, {"", nil, nil}, {catalog.WithoutPlace, nil, "NIKON D750"}, {catalog.AllMetadata, 1., "NIKON D750"},
	} {
		image := choose(step.choice)
		if image.Metadata["latitude"] != step.latitude || image.Metadata["camera"] != step.camera {
			t.Errorf("%q: got %v", step.choice, image.Metadata)
		}
		text, err := catalog.MarshalMetadata(image.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		if text += b.state(t, "a.jpg").Embedded; step.latitude == nil && (strings.Contains(text, "48.8") || strings.Contains(text, "Paris\"") && strings.Contains(text, "city")) {
			t.Errorf("%q: the place is in %s", step.choice, text)
		}
	}
	if image := choose(""); image.Metadata["taken"] != "2024-05-01T18:30:05+02:00" {
		t.Errorf("of one moment, taken is %v", image.Metadata["taken"])
	}
}

func (b *bench) state(t *testing.T, name string) catalog.State {
	t.Helper()
	id := b.image(t, name).ID
	states, err := b.store.States(t.Context(), "f1", []string{id})
	if err != nil {
		t.Fatal(err)
	}
	return states[id]
}

// TestEmbeddedWarnings: what could not be read of a picture's metadata is told of, on
// every run.
func TestEmbeddedWarnings(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": withMetadata(t, "bomb.png")})
	for _, step := range []string{"new", "again"} {
		if report := b.run(t); len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0].Reason, "more than 4194304 bytes") {
			t.Errorf("%s: warnings %v", step, report.Warnings)
		}
	}
}

// unreadSource is a source of which what lies beside pictures does not answer.
type unreadSource struct {
	source.Source
	unread bool // and says so
}

func (s unreadSource) Walk(ctx context.Context, visitor source.Visitor) error {
	item := visitor.Item
	visitor.Item = func(found source.Item) error {
		found.Sidecar, found.Noted, found.Unread = source.Sidecar{}, metadata.About{}, s.unread
		return item(found)
	}
	return s.Source.Walk(ctx, visitor)
}

// TestMetadataThatDoesNotAnswer: what was read beside a picture stays when it cannot be read.
func TestMetadataThatDoesNotAnswer(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "a.png.json": []byte(`{"caption":"mine","n":1}`)})
	b.run(t)
	wantCounts(t, "unread", b.runAs(t, func(r *Request) { r.Source = unreadSource{r.Source, true} }), counts{skipped: 1})
	if image := b.image(t, "a.png"); image.Metadata["n"] != 1. || len(image.Captions) != 1 {
		t.Errorf("left are %v, %v", image.Metadata, image.Captions)
	}
	wantCounts(t, "gone", b.runAs(t, func(r *Request) { r.Source = unreadSource{r.Source, false} }), counts{reused: 1})
	if image := b.image(t, "a.png"); len(image.Metadata) != 0 || len(image.Captions) != 0 {
		t.Errorf("still there are %v, %v", image.Metadata, image.Captions)
	}
	wantCounts(t, "back", b.run(t), counts{reused: 1})
	if image := b.image(t, "a.png"); image.Metadata["n"] != 1. {
		t.Errorf("not read again: %v", image.Metadata)
	}
}
