package orientation

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// structure is TIFF with one tag whose field is given.
func structure(order binary.AppendByteOrder, tag, kind uint16, count uint32, field ...byte) []byte {
	out := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		out = []byte("II*\x00")
	}
	out = order.AppendUint16(order.AppendUint32(out, 8), 1)
	out = order.AppendUint32(order.AppendUint16(order.AppendUint16(out, tag), kind), count)
	return append(append(out, field...), 0, 0, 0, 0)
}

func TestEXIF(t *testing.T) {
	big, little := binary.BigEndian, binary.LittleEndian
	long := append(structure(big, 0x0112, 4, 2, 0, 0, 0, 26), 0, 0, 0, 8, 0, 0, 0, 3)
	bigTIFF := append([]byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x12\x01\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00"), 6, 0, 0, 0, 0, 0, 0, 0)
	for name, tt := range map[string]struct {
		data []byte
		want int
	}{
		"SHORT":                  {structure(big, 0x0112, 3, 1, 0, 6, 0, 0), 6},
		"SHORT with junk behind": {structure(big, 0x0112, 3, 1, 0, 6, 0xFF, 0xFF), 6},
		"BYTE":                   {structure(big, 0x0112, 1, 1, 6, 0, 0, 0), 6},
		"SBYTE":                  {structure(little, 0x0112, 6, 1, 6, 0, 0, 0), 6},
		"SSHORT":                 {structure(little, 0x0112, 8, 1, 6, 0, 0, 0), 6},
		"LONG":                   {structure(little, 0x0112, 4, 1, 6, 0, 0, 0), 6},
		"SLONG":                  {structure(big, 0x0112, 9, 1, 0, 0, 0, 6), 6},
		"negative":               {structure(big, 0x0112, 9, 1, 0xFF, 0xFF, 0xFF, 0xFF), 1},
		"two LONG elsewhere":     {long, 8},
		"elsewhere, cut off":     {long[:28], 1},
		"ASCII":                  {structure(big, 0x0112, 2, 1, '6', 0, 0, 0), 1},
		"RATIONAL":               {structure(big, 0x0112, 5, 1, 0, 0, 0, 26), 1},
		"no value":               {structure(big, 0x0112, 3, 0, 0, 6, 0, 0), 1},
		"absurd count":           {structure(big, 0x0112, 3, 1<<32-1, 0, 6, 0, 0), 1},
		"other tag":              {structure(big, 0x0100, 3, 1, 0, 6, 0, 0), 1},
		"9":                      {structure(big, 0x0112, 3, 1, 0, 9, 0, 0), 1},
		"0":                      {structure(big, 0x0112, 3, 1, 0, 0, 0, 0), 1},
		"number the wrong way":   {append([]byte("MM*\x00"), structure(big, 0x0112, 3, 1, 0, 6, 0, 0)[4:]...), 6},
		"BigTIFF":                {bigTIFF, 6},
		"nothing":                {nil, 1},
	} {
		var e Evidence
		e.EXIF(tt.data)
		if got := e.Orientation(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestRawProfileBounded(t *testing.T) {
	var e Evidence
	e.PNG("tEXt", []byte("Raw profile type exif\x00\nexif\n      99\nzz not hexadecimal"))
	e.PNG("zTXt", []byte("Raw profile type exif\x00"))
	e.PNG("iTXt", []byte("XML:com.adobe.xmp\x00\x01"))
	if got := e.Orientation(); got != Upright {
		t.Errorf("%d", got)
	}
}

func TestManyPieces(t *testing.T) {
	var e Evidence
	piece := append([]byte("Exif\x00\x00"), bytes.Repeat([]byte{1}, 60000)...)
	for range 10000 {
		e.JPEG(piece)
	}
	if len(e.exif) != mostPieces {
		t.Errorf("%d pieces are kept", len(e.exif))
	}
}

// Every kind of evidence at once: an orientation comes of it that exists.
func FuzzEvidence(f *testing.F) {
	f.Add(structure(binary.BigEndian, 0x0112, 3, 1, 0, 6, 0, 0))
	f.Add([]byte(`http://ns.adobe.com/xap/1.0/` + "\x00" + `<x tiff:Orientation="6"/>`))
	f.Add([]byte("Raw profile type exif\x00\nexif\n      32\n45786966"))
	f.Add([]byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		add := []func(*Evidence){
			func(e *Evidence) { e.EXIF(data) }, func(e *Evidence) { e.JPEG(data) }, func(e *Evidence) { e.TIFF(data) }, func(e *Evidence) { e.XMP(data) },
			func(e *Evidence) { e.PNG("tEXt", data) }, func(e *Evidence) { e.PNG("zTXt", data) }, func(e *Evidence) { e.PNG("iTXt", data) },
		}
		var all Evidence
		for _, f := range add {
			var one Evidence
			f(&one)
			f(&all)
			if got := one.Orientation(); got < 1 || got > 8 {
				t.Fatal(got)
			}
		}
		if got := all.Orientation(); got < 1 || got > 8 {
			t.Fatal(got)
		}
	})
}
