package isobmff

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// Where the container names no colours, those of the coded picture count.
func TestCodedColors(t *testing.T) {
	for name, want := range map[string]coded{
		"orientation1.heic":      {1, 13, 6, false},
		"bt709.heic":             {1, 13, 1, false},
		"limited_bt601.heic":     {1, 13, 6, true},
		"grid_orientation6.heic": {1, 13, 6, false},
		"deep_444.heic":          {1, 13, 6, false},
	} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(bytes.ReplaceAll(data, []byte("colr"), []byte("free")))
		if c := (coded{got.Primaries, got.Transfer, got.Matrix, got.Limited}); err != nil || c != want {
			t.Errorf("%s: %+v, %v, want %+v", name, c, err, want)
		}
	}
}

// written makes a sequence parameter set of numbers of so many bits each, 0 bits for ue(v).
func written(numbers ...[2]int) []byte {
	var data []byte
	at := 0
	put := func(value, bits int) {
		for bit := bits - 1; bit >= 0; bit-- {
			if at%8 == 0 {
				data = append(data, 0)
			}
			data[at/8] |= byte(value>>bit&1) << (7 - at%8)
			at++
		}
	}
	for _, n := range numbers {
		if value, bits := n[0], n[1]; bits > 0 {
			put(value, bits)
			continue
		}
		value, length := n[0]+1, 0
		for value>>(length+1) > 0 {
			length++
		}
		put(0, length)
		put(value, length+1)
	}
	return append([]byte{0x42, 1}, data...)
}

func TestCodedColorsOfRareSets(t *testing.T) {
	ue := func(v int) [2]int { return [2]int{v, 0} }
	u := func(v, bits int) [2]int { return [2]int{v, bits} }
	zeros := func(bits int) (list [][2]int) {
		for range bits {
			list = append(list, u(0, 1))
		}
		return list
	}
	set := func(parts ...[][2]int) []byte {
		var all [][2]int
		for _, part := range parts {
			all = append(all, part...)
		}
		return written(all...)
	}
	two := [][2]int{u(0, 4), u(2, 3), u(0, 1)} // three sub-layers
	levels := append(append(zeros(96), u(3, 2), u(1, 2), u(0, 12)), zeros(88+8+8)...)
	sizes := [][2]int{ue(0), ue(3), u(0, 1), ue(64), ue(64), u(1, 1), ue(0), ue(0), ue(1), ue(1), ue(2), ue(2), ue(4), u(1, 1)}
	for range 9 {
		sizes = append(sizes, ue(1))
	}
	for range 6 {
		sizes = append(sizes, ue(0))
	}
	lists := [][2]int{u(1, 1), u(1, 1)}
	for size := range 4 {
		for matrix := 0; matrix < 6; matrix += 1 + 2*(size/3) {
			if matrix == 3 {
				lists = append(lists, u(0, 1), ue(1))
				continue
			}
			lists = append(lists, u(1, 1))
			for range min(64, 16<<(2*size)) + size/2 {
				lists = append(lists, ue(2))
			}
		}
	}
	pcm := [][2]int{u(3, 2), u(1, 1), u(0x77, 8), ue(0), ue(1), u(1, 1)}
	references := [][2]int{
		ue(2), ue(1), ue(1), ue(0), u(1, 1), ue(3), u(1, 1), // a set of two
		u(1, 1), u(0, 1), ue(0), u(1, 1), u(0, 1), u(1, 1), u(0, 1), u(0, 1), // one that is made of it
		u(1, 1), ue(1), u(77, 8), u(1, 1), // one for long
	}
	usability := [][2]int{u(3, 2), u(1, 1), u(1, 1), u(255, 8), u(1, 32), u(1, 1), u(0, 1), u(1, 1), u(5, 3), u(1, 1), u(1, 1), u(9, 8), u(16, 8), u(10, 8)}
	got, ok := codedColors(set(two, levels, sizes, lists, pcm, references, usability))
	if want := (coded{9, 16, 10, false}); !ok || got != want {
		t.Errorf("%+v, %v, want %+v", got, ok, want)
	}
	if got, ok := codedColors(set(two, levels, sizes)); ok {
		t.Errorf("%+v of a set that is cut off", got)
	}
}

func TestUnescaped(t *testing.T) {
	if got := hex.EncodeToString(unescaped([]byte{3, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 0, 3})); got != "03000001000000000003" {
		t.Error(got)
	}
}

func FuzzCodedColors(f *testing.F) {
	f.Add([]byte(nil))
	for _, name := range []string{"orientation1.heic", "bt709.heic", "limited_bt601.heic"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		at := bytes.Index(data, []byte("hvcC"))
		_, sequence := hevcConfiguration(&fields{data: data[at+4:]})
		f.Add(sequence)
	}
	f.Fuzz(func(t *testing.T, unit []byte) {
		c, ok := codedColors(unit)
		if max(c.primaries, c.transfer, c.matrix) > 255 {
			t.Errorf("%+v", c)
		}
		// What follows the colours does not count.
		if longer, still := codedColors(append(unit[:len(unit):len(unit)], 0xFF)); ok && (!still || longer != c) {
			t.Errorf("%+v, with a byte more %+v", c, longer)
		}
	})
}
