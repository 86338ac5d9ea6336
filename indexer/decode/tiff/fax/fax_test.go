package fax

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/image/ccitt"
)

// encoder writes bits that stand for codes.
type encoder struct {
	out  []byte
	free int
}

func (e *encoder) add(codes ...string) {
	for _, code := range codes {
		for _, c := range code {
			if e.free == 0 {
				e.out, e.free = append(e.out, 0), 8
			}
			e.free--
			e.out[len(e.out)-1] |= byte(c-'0') << e.free
		}
	}
}

const (
	white3, white8, black2, black3 = "1000", "10011", "11", "10"
	end                            = "000000000001"
)

// The runs of T.4: lines of 8 pixels.
func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		kind  Kind
		codes []string
		want  []byte
		err   error
	}{
		"no line ends":         {Group3, []string{white3, black2, white3, white8}, []byte{0b00011000, 0}, nil},
		"line ends":            {Group3, []string{end, white3, black2, white3, "0000" + end, white8}, []byte{0b00011000, 0}, nil},
		"damage, then a line":  {Group3, []string{end, white3, black2, "00000000001111" + end, white3, black2, white3}, []byte{0b00011000, 0b00011000}, nil},
		"end of data":          {Group3, []string{end, white8, end, end, end, end, end, end}, []byte{0}, errEnded},
		"mixed":                {Group3Mixed, []string{end + "1", white3, black2, white3, end + "0", "1", "1", "1"}, []byte{0b00011000, 0b00011000}, nil},
		"group 4, vertical":    {Group4, []string{"001", white3, black2, "1", "011", "1", "1"}, []byte{0b00011000, 0b00001000}, nil},
		"group 4, pass":        {Group4, []string{"001", white3, black2, "1", "0001", "1"}, []byte{0b00011000, 0}, nil},
		"group 4, black first": {Group4, []string{"001", "00110101", black3, "1", "1", "1", "1"}, []byte{0b11100000, 0b11100000}, nil},
		"group 4, damage":      {Group4, []string{"1", "00000001", "1111111111111111"}, []byte{0}, errCode},
		"run too long":         {Group4, []string{"001", "011011", "011011", "011011"}, nil, errCode},
	} {
		t.Run(name, func(t *testing.T) {
			var e encoder
			e.add(tt.codes...)
			out := make([]byte, 2)
			lines, err := Decode(t.Context(), out, e.out, 8, tt.kind)
			if !errors.Is(err, tt.err) || lines != len(tt.want) || !bytes.Equal(out[:lines], tt.want) {
				t.Errorf("%d lines, %08b, %v; want %08b, %v", lines, out[:lines], err, tt.want, tt.err)
			}
		})
	}
}

func TestLinesFromNewBytes(t *testing.T) {
	for kind, data := range map[Kind][]byte{
		RLE:      {0b10001110, 0b00000000, 0b10011000},
		RLEWords: {0b10001110, 0b00000000, 0b10011000, 0},
	} {
		out := make([]byte, 2)
		if lines, err := Decode(t.Context(), out, data, 8, kind); err != nil || lines != 2 || !bytes.Equal(out, []byte{0b00011000, 0}) {
			t.Errorf("kind %d: %d lines, %08b, %v", kind, lines, out, err)
		}
	}
}

// golang.org/x/image/ccitt reads Group 4, too: what both read is the same.
func FuzzGroup4(f *testing.F) {
	data, err := os.ReadFile("../testdata/p_wide_group4.tif")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[8:400], uint16(3000))
	f.Add([]byte{0x26, 0xB0, 0x5F}, uint16(8))
	f.Fuzz(func(t *testing.T, data []byte, wide uint16) {
		const most, lines = 4096, 16
		width := int(wide)%most + 1
		length := (width + 7) / 8
		out := make([]byte, lines*length)
		n, err := Decode(t.Context(), out, data, width, Group4)
		if n < 0 || n > lines || (n < lines) != (err != nil) {
			t.Fatalf("%d lines, %v", n, err)
		}
		for _, kind := range []Kind{RLE, RLEWords, Group3, Group3Mixed} {
			if n, err := Decode(t.Context(), make([]byte, len(out)), data, width, kind); n < 0 || n > lines || (n < lines) != (err != nil) {
				t.Fatalf("kind %d: %d lines, %v", kind, n, err)
			}
		}
		theirs := make([]byte, len(out))
		r := ccitt.NewReader(bytes.NewReader(data), ccitt.MSB, ccitt.Group4, width, lines, &ccitt.Options{Invert: true})
		got := 0
		for got < len(theirs) {
			k, err := r.Read(theirs[got:])
			got += k
			if err != nil {
				break
			}
		}
		same := min(n, got/length) * length
		if mask := byte(0xff) << (8*length - width); mask != 0 {
			for at := length - 1; at < same; at += length {
				theirs[at] &= mask
			}
		}
		if !bytes.Equal(out[:same], theirs[:same]) {
			t.Fatalf("width %d:\n%x\n%x", width, out[:same], theirs[:same])
		}
	})
}
