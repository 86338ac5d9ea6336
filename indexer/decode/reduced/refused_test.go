package reduced

import (
	"bytes"
	"errors"
	"image/jpeg"
	"slices"
	"testing"
)

// at finds the segment that begins with a marker.
func at(t *testing.T, data []byte, marker byte) int {
	t.Helper()
	i := bytes.Index(data, []byte{0xFF, marker})
	if i < 0 {
		t.Fatalf("no marker %#x", marker)
	}
	return i
}

// with is a copy with bytes replaced.
func with(data []byte, at int, b ...byte) []byte {
	changed := slices.Clone(data)
	copy(changed[at:], b)
	return changed
}

func TestRefused(t *testing.T) {
	good := noisy(t, 64, 48, 90)
	frame, scan, tables, end := at(t, good, sof0), at(t, good, sos), at(t, good, dht), len(good)-2
	coded := scan + 2 + int(good[scan+3])
	restart := fixture(t, "restart.jpg")
	cases := map[string][]byte{
		"nothing":                      nil,
		"no JPEG":                      []byte("no JPEG"),
		"progressive":                  fixture(t, "progressive.jpg"),
		"four components":              fixture(t, "orientation5_cmyk.jpg"),
		"arithmetic codes":             with(good, frame+1, 0xC9),
		"12 bits":                      with(good, frame+4, 12),
		"no height":                    with(good, frame+5, 0, 0),
		"no width":                     with(good, frame+7, 0, 0),
		"two components":               with(good, frame+9, 2),
		"two frames":                   slices.Concat(good[:scan], good[frame:scan], good[scan:]),
		"chroma larger than luma":      with(good, frame+14, 0x22),
		"luma sampled by three":        with(good, frame+11, 0x31),
		"quantization table 7":         with(good, frame+12, 7),
		"no quantization table":        with(good, frame+12, 3),
		"no Huffman tables":            slices.Concat(good[:tables], good[scan:]),
		"a segment that is too long":   with(good, tables+2, 0xFF, 0xFF),
		"a segment that has no length": with(good, tables+2, 0, 0),
		"too many codes":               with(good, tables+5, 3),
		"another class of tables":      with(good, tables+4, 0x20),
		"one component in the scan":    with(good, scan+4, 1),
		"a component it has not":       with(good, scan+5, 9),
		"Huffman table 9":              with(good, scan+6, 0x90),
		"not all coefficients":         with(good, scan+12, 20),
		"cut off in its tables":        good[:tables+9],
		"cut off in its scan":          good[:coded+(end-coded)/2],
		"no end":                       good[:end],
		"a byte too many":              slices.Concat(good[:end], []byte{0x55, 0xFF, eoi}),
		"a byte too few":               slices.Concat(good[:end-1], []byte{0xFF, eoi}),
		"another scan":                 slices.Concat(good[:end], good[scan:]),
		"restart markers it says not":  slices.Concat(good[:coded], []byte{0xFF, rst0}, good[coded:]),
		"a restart marker missed":      with(restart, at(t, restart, rst0), 0, 0),
		"restart markers exchanged":    with(restart, at(t, restart, rst0), 0xFF, rst0+1),
		"no code":                      with(good, coded, 0xFF, 0, 0xFF, 0),
	}
	for name, data := range cases {
		for _, points := range Points {
			if img, err := Decode(t.Context(), data, points); !errors.Is(err, ErrRefused) || img != nil {
				t.Errorf("%s at %d: %v", name, points, err)
			}
		}
	}
}

// A run may reach the last coefficient, but not go past it.
func TestLongRuns(t *testing.T) {
	dcTable := &table{symbols: []byte{0}, counts: [16]byte{1}, code: map[byte]uint32{0: 0}, length: map[byte]int{0: 1}}
	acTable := &table{
		symbols: []byte{0xF0, 0x01, 0xE1}, counts: [16]byte{1, 1, 1},
		code: map[byte]uint32{0xF0: 0, 0x01: 0b10, 0xE1: 0b110}, length: map[byte]int{0xF0: 1, 0x01: 2, 0xE1: 3},
	}
	for _, tt := range []struct {
		symbols []byte
		want    bool
	}{
		{[]byte{0xF0, 0xF0, 0xF0, 0xE1}, true},
		{[]byte{0xF0, 0xF0, 0xF0, 0x01, 0xE1}, false},
		{[]byte{0xF0, 0xF0, 0xF0, 0xF0}, false},
		{bytes.Repeat([]byte{0xF0}, 8), false},
		{[]byte{0xE1, 0xE1, 0xE1, 0xE1, 0xE1}, false},
	} {
		var w writer
		w.symbol(dcTable, 0)
		for _, s := range tt.symbols {
			w.symbol(acTable, s)
			w.write(1<<(s&15)-1, int(s&15))
		}
		w.write(0xFF, 8)
		w.write(0xFF, 8)
		for _, last := range []int{0, 2, 18} {
			dc, ac := new(codes), new(acCodes)
			if err := errors.Join(dc.order(dcTable.counts, dcTable.symbols), ac.order(acTable.counts, acTable.symbols)); err != nil {
				t.Fatal(err)
			}
			dc.prepareDC()
			ac.prepare()
			var c coded
			c.start(w.Bytes())
			if got := c.block(dc, ac, last, new(coefficients)); got != tt.want {
				t.Errorf("%x, last %d: read %v, want %v", tt.symbols, last, got, tt.want)
			}
		}
	}
}

// What is accepted has the right size, and nothing fails but by being refused.
func FuzzDecode(f *testing.F) {
	for _, name := range append(sequential, "progressive.jpg", "orientation5_cmyk.jpg", "rgb.jpg") {
		f.Add(fixture(f, name))
	}
	f.Add(noisy(f, 40, 24, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, configErr := jpeg.DecodeConfig(bytes.NewReader(data))
		if configErr == nil && config.Width*config.Height > 1<<20 {
			return
		}
		for _, points := range Points {
			img, err := Decode(t.Context(), data, points)
			if err != nil {
				if !errors.Is(err, ErrRefused) {
					t.Fatal(err)
				}
				continue
			}
			if configErr == nil && (img.Bounds().Dx() != Side(config.Width, points) || img.Bounds().Dy() != Side(config.Height, points)) {
				t.Fatalf("%v of %d x %d at %d", img.Bounds(), config.Width, config.Height, points)
			}
		}
	})
}
