package reduced

import (
	"bytes"
	"context"
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
		"too many codes":               with(good, tables+5, 3, 0, 3),
		"a table without codes":        with(slices.Concat(good[:scan], []byte{0xFF, dht, 0, 19, 3}, make([]byte, 16), good[scan:]), frame+1, sof1),
		"table 2 of baseline":          slices.Concat(good[:scan], []byte{0xFF, dht, 0, 20, 2, 1}, make([]byte, 16), good[scan:]),
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

// Codes that nobody may write.
func TestRefusedSymbols(t *testing.T) {
	one := func(symbol byte) *table {
		return &table{symbols: []byte{symbol}, counts: [16]byte{1}, code: map[byte]uint32{symbol: 0}, length: map[byte]int{symbol: 1}}
	}
	for name, tt := range map[string]struct {
		dc, ac *table
		bits   uint32 // three bytes
		want   bool
	}{
		"a block":                   {one(0), one(0), 0, true},
		"a difference of 12 bits":   {one(12), one(0), 0, false},
		"no code of a difference":   {one(0), one(0), 0x800000, false},
		"no code of a coefficient":  {one(0), one(0), 0x400000, false},
		"an end of several blocks":  {one(0), one(0x20), 0, false},
		"a run without coefficient": {one(0), one(0x80), 0, false},
	} {
		dc, ac := tables(t, tt.dc, tt.ac)
		for _, last := range []int{0, 2} {
			var c coded
			c.start([]byte{byte(tt.bits >> 16), byte(tt.bits >> 8), byte(tt.bits)})
			if got := c.block(dc, ac, last, new(coefficients)); got != tt.want {
				t.Errorf("%s, last %d: read %v", name, last, got)
			}
		}
	}
}

func TestTooManyCodes(t *testing.T) {
	for _, counts := range [][16]byte{{3}, {1, 3}, {2, 1}, {15: 255}, {1, 1, 1, 3}} {
		err := new(codes).order(counts, make([]byte, 300))
		if refused, want := errors.Is(err, ErrRefused), counts[15] == 0; refused != want {
			t.Errorf("%v: %v", counts, err)
		}
	}
}

// A file may define tables without end; none takes memory, and a deadline ends it.
func TestManyTables(t *testing.T) {
	good := noisy(t, 64, 48, 90)
	scan := at(t, good, sos)
	segment := []byte{0xFF, dht, 0, 20, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	data := slices.Concat(good[:2], bytes.Repeat(segment, 20000), good[2:scan], good[scan:])
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := Decode(t.Context(), data, 1); err != nil {
			t.Error(err)
		}
	})
	if allocated > 100 {
		t.Errorf("%.0f allocations", allocated)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := readHeader(ctx, data); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
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
			dc, ac := tables(t, dcTable, acTable)
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
