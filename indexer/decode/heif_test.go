package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/indexer/decode/isobmff"
)

func TestContainerBrands(t *testing.T) {
	tests := []struct{ brands, want string }{
		{"heic....mif1", "heic"}, {"heix....", "heic"}, {"avif....", "avif"}, {"avis....avif", "avif"},
		{"mif1....mif1heic", "heic"}, {"mif1....miafavif", "avif"}, {"msf1....msf1hevc", "heic"},
		{"mif1....miaf", "HEIF"}, {"mif1", "HEIF"}, {"mp42....avif", "a video"},
	}
	for _, tt := range tests {
		data := slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(tt.brands))), []byte("ftyp"+tt.brands))
		if got, _ := sniff(append(data, "more avif"...)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.brands, got, tt.want)
		}
	}
}

// What a container claims is checked before anything is decoded.
func TestContainerLimits(t *testing.T) {
	decoder := new(Decoder)
	for _, name := range []string{"orientation1.heic", "orientation1.avif"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, []byte("ispe")) + 8
		wide := slices.Clone(data)
		binary.BigEndian.PutUint32(wide[at:], 60000)
		binary.BigEndian.PutUint32(wide[at+4:], 60000)
		for want, try := range map[string]struct {
			data   []byte
			limits Limits
		}{
			"on a side":     {wide, Limits{MaxSide: 50000}},
			"3,600,000,000": {wide, Limits{}},
			"MiB to decode": {data, Limits{MaxMemory: 1 << 20}},
		} {
			start := allocated()
			_, _, err := decoder.Bytes(t.Context(), name, try.data, nil, try.limits)
			var e *Error
			if !errors.As(err, &e) || e.Reason != TooManyPixels || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q that says %q", name, err, TooManyPixels, want)
			}
			if grown := allocated() - start; grown > 1<<20 {
				t.Errorf("%s: %d bytes were allocated for nothing", name, grown)
			}
		}
	}
}

// EXIF of such files does not count: their container has been obeyed already.
func TestContainerIgnoresEXIF(t *testing.T) {
	for _, name := range []string{"orientation6.heic", "orientation6.avif"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "orientation6.heic" && !bytes.Contains(data, []byte("Exif\x00\x00")) {
			t.Errorf("%s has no EXIF to ignore", name)
		}
		img, _, err := Bytes(t.Context(), name, data, Limits{})
		if err != nil || img.Bounds() != image.Rect(0, 0, 16, 24) {
			t.Errorf("%s: %v, %v", name, img, err)
		}
	}
}

// Whatever a damaged file does to its decoder, it ends, and in an *Error.
func TestDamagedContainers(t *testing.T) {
	decoder := new(Decoder)
	for _, name := range []string{"orientation1.heic", "grid_orientation6.heic", "orientation1.avif", "animated.avif"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			changed := slices.Clone(data)
			for range 1 + random.IntN(4) {
				changed[16+random.IntN(len(data)-16)] = byte(random.Uint32())
			}
			_, _, err := decoder.Bytes(t.Context(), name, changed, nil, Limits{})
			var e *Error
			if err != nil && (!errors.As(err, &e) || e.Reason == TimedOut || strings.Contains(err.Error(), "decoder failed")) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for n := range 20 {
			if _, _, err := decoder.Bytes(t.Context(), name, data[:len(data)*n/20], nil, Limits{}); err == nil {
				t.Errorf("%s: %d twentieths of it are accepted", name, n)
			}
		}
	}
}

func TestFromHEIC(t *testing.T) {
	grey := func(luma, chroma byte) *image.YCbCr {
		m := image.NewYCbCr(image.Rect(0, 0, 3, 1), image.YCbCrSubsampleRatio444)
		m.Y, m.Cb, m.Cr = []byte{luma, luma, luma}, []byte{chroma, chroma, chroma}, []byte{chroma, chroma, chroma}
		return m
	}
	for _, tt := range []struct {
		luma, chroma byte
		picture      isobmff.Picture
		want         [3]byte
	}{
		{16, 128, isobmff.Picture{Matrix: 6, Limited: true}, [3]byte{}},
		{235, 128, isobmff.Picture{Matrix: isobmff.Unspecified, Limited: true}, [3]byte{255, 255, 255}},
		{255, 128, isobmff.Picture{Matrix: 1}, [3]byte{255, 255, 255}},
		{100, 128, isobmff.Picture{Matrix: 9}, [3]byte{100, 100, 100}},
		{100, 148, isobmff.Picture{Matrix: 6}, [3]byte{128, 79, 135}},
		{100, 148, isobmff.Picture{Matrix: 1}, [3]byte{131, 87, 137}},
		{100, 148, isobmff.Picture{Matrix: 9}, [3]byte{129, 85, 138}},
	} {
		r, g, b, _ := fromHEIC(grey(tt.luma, tt.chroma), tt.picture).At(1, 0).RGBA()
		if got := [3]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}; got != tt.want {
			t.Errorf("%d, %d with %+v: %v, want %v", tt.luma, tt.chroma, tt.picture, got, tt.want)
		}
	}
}

// A HEIC need not be the first brand of a file.
func TestFirstBrandIsCommon(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "orientation1.heic"))
	if err != nil {
		t.Fatal(err)
	}
	for _, brand := range []string{"mif1", "miaf", "MiHB"} {
		common := slices.Clone(data)
		copy(common[8:], brand)
		if _, _, err := Bytes(t.Context(), brand, common, Limits{}); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(common[12:], data[12:]) || string(common[8:12]) != brand {
			t.Errorf("%s: the data have changed", brand)
		}
	}
}

// Chroma that pixels share is as it is coded: next to an edge it is not blurred. The
// pixels are those of Pillow.
func TestHEICAsCoded(t *testing.T) {
	img, _, err := File(t.Context(), "testdata/tiny_420.heic", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if most, _ := difference(img, []byte{
		113, 168, 209, 255, 106, 161, 202, 255, 125, 171, 197, 255,
		124, 179, 220, 255, 86, 141, 182, 255, 138, 184, 210, 255,
		175, 149, 134, 255, 151, 125, 110, 255, 146, 197, 182, 255,
		151, 125, 110, 255, 130, 104, 89, 255, 117, 168, 153, 255,
		61, 151, 51, 255, 60, 150, 50, 255, 60, 150, 50, 255,
	}); most > 2 {
		t.Errorf("it differs by %d", most)
	}
}

// Where only the coded picture says how its colours are coded, that counts.
func TestHEICColorsOfTheStream(t *testing.T) {
	for _, name := range []string{"bt709.heic", "limited_bt601.heic"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := Bytes(t.Context(), name, data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := Bytes(t.Context(), name, bytes.ReplaceAll(data, []byte("colr"), []byte("free")), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		b := want.Bounds()
		pixels := image.NewNRGBA(b)
		draw.Draw(pixels, b, want, b.Min, draw.Src)
		if _, mean := difference(got, pixels.Pix); mean > 4 {
			t.Errorf("%s without colr: it differs by %.1f", name, mean)
		}
	}
}
