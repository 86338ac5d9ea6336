package xmp

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"polylens/indexer/metadata"
)

const (
	open  = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/" `
	close = `</rdf:Description></rdf:RDF></x:xmpmeta>`
)

func utf16Packet(text string) []byte {
	data := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(text)) {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return data
}

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name   string
		packet string
		want   metadata.About
	}{
		{"attributes", open + `xmp:Rating="3" photoshop:City="Bonn" exif:DateTimeOriginal="2021-02-03T04:05:06.78+09:00">` + close,
			metadata.About{Fields: map[string]any{"rating": 3., "city": "Bonn", "taken": "2021-02-03T04:05:06+09:00"}}},
		{"languages", open + `><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hund</rdf:li><rdf:li xml:lang="de">Hund</rdf:li><rdf:li xml:lang="pt-BR">cão</rdf:li></rdf:Alt></dc:title>` + close,
			metadata.About{Captions: []metadata.Caption{{Language: "de", Text: "Hund"}, {Language: "pt-BR", Text: "cão"}}}},
		{"text where a list belongs", open + `><dc:subject>dog</dc:subject><dc:description>a dog</dc:description>` + close,
			metadata.About{Fields: map[string]any{"tags": []any{"dog"}}, Captions: []metadata.Caption{{Text: "a dog"}}}},
		{"hierarchies", open + `><digiKam:TagsList><rdf:Seq><rdf:li>Animals/Dog</rdf:li><rdf:li>Animals/Dog</rdf:li></rdf:Seq></digiKam:TagsList>` + close,
			metadata.About{Fields: map[string]any{"tags": []any{"Dog"}}}},
		{"percent", open + `MicrosoftPhoto:Rating="75">` + close, metadata.About{Fields: map[string]any{"rating": 4.}}},
		{"not rated", open + `xmp:Rating="0">` + close, metadata.About{}},
		{"rejected", open + `xmp:Rating="-1">` + close, metadata.About{Fields: map[string]any{"rating": -1.}}},
		{"one bad field", open + `xmp:Rating="many" photoshop:City="Bonn">` + close,
			metadata.About{Fields: map[string]any{"city": "Bonn"}, Warnings: []string{`its rating is left out: XMP says "many", which is not from -1 to 5`}}},
		{"place", open + `exif:GPSLatitude="51,30.5N" exif:GPSLongitude="0,7,30W" exif:GPSAltitude="355/10" exif:GPSAltitudeRef="0">` + close,
			metadata.About{Fields: map[string]any{"latitude": 51.5083333, "longitude": -0.125, "altitude": 35.5}}},
		{"place that is none", open + `exif:GPSLatitude="51,30.5E" exif:GPSLongitude="0,7,30W">` + close,
			metadata.About{Warnings: []string{`its place is left out: XMP says "51,30.5E" for a latitude or longitude`}}},
		{"a year", open + `photoshop:DateCreated="1978">` + close, metadata.About{Fields: map[string]any{"taken": "1978"}}},
		{"UTF-16", string(utf16Packet(`<?xml version="1.0" encoding="UTF-16"?>` + open + `photoshop:City="Köln">` + close)),
			metadata.About{Fields: map[string]any{"city": "Köln"}}},
		{"Latin-1", `<?xml version="1.0" encoding="ISO-8859-1"?>` + open + "photoshop:City=\"K\xf6ln\">" + close,
			metadata.About{Fields: map[string]any{"city": "Köln"}}},
		{"nothing", ``, metadata.About{}},
		{"entities", `<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]>` + open + `><dc:description>&b;</dc:description>` + close,
			metadata.About{Captions: []metadata.Caption{{Text: "&b;"}}}},
	} {
		if got := Read([]byte(test.packet)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

// TestCut: what stands before the damage counts, and the damage is named.
func TestCut(t *testing.T) {
	for name, packet := range map[string]string{
		"cut":  open + `photoshop:City="Bonn"><dc:subject><rdf:Bag><rdf:li>do`,
		"deep": open + `photoshop:City="Bonn"><dc:subject>` + strings.Repeat("<a>", 100),
		"many": open + `photoshop:City="Bonn"><dc:subject>` + strings.Repeat("<a/>", maxValues+1),
	} {
		got := Read([]byte(packet))
		if got.Fields["city"] != "Bonn" || len(got.Warnings) == 0 || !strings.Contains(got.Warnings[0], "in part") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := Read(make([]byte, MaxPacket+1)); len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "at most 4194304") {
		t.Errorf("a long packet: %+v", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(open + `xmp:Rating="3"><dc:title><rdf:Alt><rdf:li xml:lang="de">Hund</rdf:li></rdf:Alt></dc:title>` + close))
	f.Add([]byte(open + `exif:GPSLatitude="51,30.5N" exif:GPSLongitude="0,7,30W">` + close))
	f.Fuzz(func(t *testing.T, data []byte) {
		about := Read(data)
		if stars, ok := about.Fields["rating"].(float64); ok && (stars < -1 || stars > 5 || stars == 0) {
			t.Errorf("rating %g", stars)
		}
		for _, caption := range about.Captions {
			if len(caption.Text) > 3*len(data) {
				t.Errorf("%d bytes gave a caption of %d", len(data), len(caption.Text))
			}
		}
	})
}
