package embedded

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func chunk(kind string, content []byte) []byte {
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(content))), []byte(kind), content, make([]byte, 4))
}

func pngOf(chunks ...[]byte) []byte {
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), slices.Concat(chunks...))
}

func packed(content []byte) []byte {
	var to bytes.Buffer
	w := zlib.NewWriter(&to)
	_, _ = w.Write(content)
	_ = w.Close()
	return to.Bytes()
}

// tiffOf has one directory, whose entries have values of one byte each.
func tiffOf(value []byte, tags ...uint16) []byte {
	const head = 8
	little := binary.LittleEndian
	values := head + 2 + 12*len(tags) + 4
	out := little.AppendUint16(little.AppendUint32([]byte("II*\x00"), head), uint16(len(tags)))
	for _, tag := range tags {
		out = little.AppendUint16(little.AppendUint16(out, tag), 7)
		out = little.AppendUint32(little.AppendUint32(out, uint32(len(value))), uint32(values))
	}
	return slices.Concat(out, make([]byte, 4), value)
}

// What a file says costs no more than a small multiple of what is kept of it, whatever it
// claims and however it is packed.
func TestHostile(t *testing.T) {
	titles := make([][]byte, 200_000)
	for i := range titles {
		titles[i] = chunk("tEXt", fmt.Appendf(nil, "Title\x00the title number %d of a picture, and longer", i))
	}
	xmpOf := func(padding string) []byte {
		return []byte(`<x:xmpmeta xmlns:x="adobe:ns:meta/">` + padding + `</x:xmpmeta>`)
	}
	li := strings.Repeat("<rdf:li xml:lang='x-default'>%d</rdf:li>", 1)
	var alternatives strings.Builder
	for i := range 19_000 {
		fmt.Fprintf(&alternatives, li, i)
	}
	manyCaptions := []byte(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description><dc:title><rdf:Alt>` +
		strings.ReplaceAll(alternatives.String(), "'", `"`) + `</rdf:Alt></dc:title></rdf:Description></rdf:RDF>`)
	jp2 := func(boxes []byte) []byte { return slices.Concat([]byte("\x00\x00\x00\x0cjP  \r\n\x87\n"), boxes) }
	xmlBox := func(body []byte) []byte {
		return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte("xml "), body)
	}
	large := bytes.Repeat([]byte("ab;\x80"), 8<<20)
	nul := bytes.Repeat([]byte("a\x00"), 16<<20)
	records := slices.Concat([]byte{0x1C, 2, 120, 0x80, 4, 2, 0, 0, 0}, large)
	for name, data := range map[string][]byte{
		"texts of a PNG that unfold":    pngOf(slices.Repeat(chunk("zTXt", slices.Concat([]byte("XML:com.adobe.xmp\x00\x00"), packed(xmpOf(strings.Repeat(" ", 4<<20-100))))), 500)),
		"titles of a PNG":               pngOf(titles...),
		"a long title of a PNG":         pngOf(chunk("tEXt", slices.Concat([]byte("Title\x00"), large))),
		"a raw profile of a PNG":        pngOf(chunk("tEXt", slices.Concat([]byte("Raw profile type xmp\x00\nxmp\n9\n"), bytes.Repeat([]byte("20"), 16<<20)))),
		"packets of a JPEG 2000":        jp2(slices.Repeat(xmlBox([]byte("x")), 1<<20)),
		"long packets of a JPEG 2000":   jp2(slices.Repeat(xmlBox(xmpOf(strings.Repeat("<a/>", 1000))), 5000)),
		"captions of XMP":               jp2(slices.Repeat(xmlBox(manyCaptions), 16)),
		"attributes of XMP":             jp2(xmlBox(xmpOf("<a" + strings.Repeat(" b=''", 800_000) + "/>"))),
		"text of a TIFF":                tiffOf(large, 0x010E, 0x013B, 0x8298),
		"copyrights of a TIFF":          tiffOf(nul, 0x8298),
		"texts of Windows in a TIFF":    tiffOf(large, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9F),
		"keywords of Windows in a TIFF": tiffOf(bytes.Repeat([]byte(";\x00"), 16<<20), 0x9C9E),
		"IPTC in a TIFF":                tiffOf(records, 0x83BB),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		got := Read(data)
		took := time.Since(begun)
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 300 {
			t.Errorf("%s: a file of %d MiB makes it allocate %d", name, len(data)>>20, n)
		}
		if took > 4*time.Second {
			t.Errorf("%s: %v", name, took)
		}
		if len(got.Captions) > 2000 || len(got.Warnings) == 0 && name != "attributes of XMP" {
			t.Errorf("%s: %d captions, warnings %q", name, len(got.Captions), got.Warnings)
		}
	}
}
