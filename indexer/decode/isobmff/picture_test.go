package isobmff

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// boxOf builds a box.
func boxOf(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}

var plain = []byte{0, 0, 0, 0} // version 0 without flags

func ispe(width, height uint32) []byte {
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	return boxOf("ispe", plain, size)
}

func irot(quarters byte) []byte { return boxOf("irot", []byte{quarters}) }
func imir(axis byte) []byte     { return boxOf("imir", []byte{axis}) }

func nclx(matrix, fullRange byte) []byte {
	return boxOf("colr", []byte("nclx"), []byte{0, 1, 0, 13, 0, matrix, fullRange << 7})
}

// file has one item, of number 7, with all the properties, in their order.
func file(properties ...[]byte) []byte {
	indices := []byte{byte(len(properties))}
	for i := range properties {
		indices = append(indices, byte(i+1)|0x80)
	}
	ipma := boxOf("ipma", plain, []byte{0, 0, 0, 1, 0, 7}, indices)
	iprp := boxOf("iprp", boxOf("ipco", properties...), ipma)
	return slices.Concat(boxOf("ftyp", []byte("avif")), boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7}), iprp))
}

func TestRead(t *testing.T) {
	wide := file(ispe(30, 20))
	tests := []struct {
		name string
		data []byte
		want Picture
		says string // of the error
	}{
		{"size", wide, Picture{Width: 30, Height: 20, Orientation: 1, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}, ""},
		{"turned", file(ispe(30, 20), irot(3)), Picture{Width: 30, Height: 20, Orientation: 6, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}, ""},
		{"cropped", file(ispe(30, 20), boxOf("clap", make([]byte, 32))), Picture{Width: 30, Height: 20, Orientation: 1, Cropped: true, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}, ""},
		{"full range", file(ispe(30, 20), nclx(6, 1)), Picture{Width: 30, Height: 20, Orientation: 1, Matrix: 6, Primaries: 1, Transfer: 13, Bits: 8}, ""},
		{"limited range", file(ispe(30, 20), nclx(9, 0)), Picture{Width: 30, Height: 20, Orientation: 1, Matrix: 9, Primaries: 1, Transfer: 13, Limited: true, Bits: 8}, ""},
		{"profile", file(ispe(30, 20), boxOf("colr", []byte("prof....."))), Picture{Width: 30, Height: 20, Orientation: 1, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Profile: ".....", Bits: 8}, ""},
		{"deep", file(ispe(30, 20), boxOf("pixi", plain, []byte{3, 10, 10, 12})), Picture{Width: 30, Height: 20, Orientation: 1, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 12}, ""},
		{"4 GB wide", file(ispe(1<<32-1, 1<<32-1)), Picture{Width: 1<<32 - 1, Height: 1<<32 - 1, Orientation: 1, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}, ""},
		{"nothing", nil, Picture{}, `"meta"`},
		{"no size", file(irot(1)), Picture{}, "no size"},
		{"width is zero", file(ispe(0, 20)), Picture{}, "no size"},
		{"size is cut off", file(boxOf("ispe", plain, []byte{0, 0})), Picture{}, "cut off"},
		{"property is empty", file(ispe(30, 20), boxOf("irot")), Picture{}, `"irot"`},
		{"file is cut off", wide[:len(wide)-3], Picture{}, `"meta"`},
		{"meta is empty", boxOf("meta"), Picture{}, "cut off"},
		{"no primary picture", boxOf("meta", plain), Picture{}, `"pitm"`},
		{"no properties", boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7})), Picture{}, `"iprp"`},
		{"properties of another", slices.Replace(slices.Clone(wide), len(wide)-4, len(wide)-2, 0, 9), Picture{}, "no properties"},
		{"property that is not there", slices.Replace(slices.Clone(wide), len(wide)-1, len(wide), 9), Picture{}, "property 9 of 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(tt.data)
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// The larger forms of numbers: 32-bit items, 15-bit indices, 64-bit sizes.
func TestReadLargeNumbers(t *testing.T) {
	large := []byte{1, 0, 0, 1} // version 1, flag 1
	ipma := boxOf("ipma", large, []byte{0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0, 7, 2, 0x80, 1, 0, 0})
	meta := boxOf("meta", plain, boxOf("pitm", large, []byte{0, 1, 0, 7}), boxOf("iprp", boxOf("ipco", ispe(5, 6)), ipma))
	wide := slices.Concat([]byte{0, 0, 0, 1}, []byte("meta"), binary.BigEndian.AppendUint64(nil, uint64(len(meta)+8)), meta[8:])
	toTheEnd := slices.Concat([]byte{0, 0, 0, 0}, meta[4:])
	for _, data := range [][]byte{meta, wide, toTheEnd} {
		got, err := Read(data)
		if want := (Picture{Width: 5, Height: 6, Orientation: 1, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// grid is a picture of numbered pixels.
type grid [][]int

func (g grid) make(width, height int, at func(x, y int) int) grid {
	out := make(grid, height)
	for y := range out {
		for x := range width {
			out[y] = append(out[y], at(x, y))
		}
	}
	return out
}

// anticlockwise, topBottom and leftRight are what the standard says in words.
func (g grid) anticlockwise() grid {
	w, h := len(g[0]), len(g)
	return g.make(h, w, func(x, y int) int { return g[x][w-1-y] })
}
func (g grid) topBottom() grid {
	return g.make(len(g[0]), len(g), func(x, y int) int { return g[len(g)-1-y][x] })
}
func (g grid) leftRight() grid {
	return g.make(len(g[0]), len(g), func(x, y int) int { return g[y][len(g[0])-1-x] })
}

// upright turns as the orientation of EXIF says.
func (g grid) upright(orientation int) grid {
	switch orientation {
	case 2:
		return g.leftRight()
	case 3:
		return g.anticlockwise().anticlockwise()
	case 4:
		return g.topBottom()
	case 5:
		return g.anticlockwise().topBottom()
	case 6:
		return g.anticlockwise().anticlockwise().anticlockwise()
	case 7:
		return g.anticlockwise().leftRight()
	case 8:
		return g.anticlockwise()
	}
	return g
}

// Every sequence of up to four turns.
func TestOrientation(t *testing.T) {
	start := grid{{1, 2, 3}, {4, 5, 6}}
	var try func(properties [][]byte, want grid)
	try = func(properties [][]byte, want grid) {
		p, err := Read(file(slices.Concat([][]byte{ispe(3, 2)}, properties)...))
		if err != nil {
			t.Fatal(err)
		}
		if got := start.upright(p.Orientation); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: orientation %d is %v, want %v", properties, p.Orientation, got, want)
		}
		if len(properties) == 4 {
			return
		}
		properties = slices.Clip(properties)
		try(append(properties, irot(0)), want)
		try(append(properties, irot(1)), want.anticlockwise())
		try(append(properties, irot(3)), want.anticlockwise().anticlockwise().anticlockwise())
		try(append(properties, imir(0)), want.topBottom())
		try(append(properties, imir(1)), want.leftRight())
	}
	try(nil, start)
}

func FuzzRead(f *testing.F) {
	f.Add(file(ispe(30, 20), irot(1), imir(1), nclx(1, 0)))
	for _, pattern := range []string{"*.heic", "*.avif", "colors/*.heic", "colors/*.avif"} {
		paths, err := filepath.Glob("../testdata/" + pattern)
		if err != nil || len(paths) == 0 {
			f.Fatal("no seeds", err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(data)
		if err == nil && (p.Width <= 0 || p.Height <= 0 || p.Orientation < 1 || p.Orientation > 8) {
			t.Errorf("%+v", p)
		}
		if len(p.Profile) > len(data) {
			t.Errorf("a profile of %d bytes in %d", len(p.Profile), len(data))
		}
		if p.Alpha != 0 {
			if selected, err := Select(data, p.Alpha); err != nil || len(selected) != len(data) {
				t.Errorf("item %d: %d bytes of %d, %v", p.Alpha, len(selected), len(data), err)
			}
		}
	})
}
