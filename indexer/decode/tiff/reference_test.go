package tiff

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/webp"
)

// reference is what testdata/write_fixtures.py wrote: the right pixels of each file, on
// white, or what the error says.
type reference struct {
	Rights map[string]struct {
		Width, Height int
		RGB           []byte // compressed
	}
	Files []struct {
		Name, Right, Says string
		Tolerance         int // greatest difference of a value
		Warns             bool
		Pillow            bool // whether Pillow reads it
		Rows              int  // the first ones that are right; 0: all
	}
}

func readReference(t testing.TB) reference {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref reference
	if err := json.Unmarshal(data, &ref); err != nil {
		t.Fatal(err)
	}
	return ref
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// testCodecs take full range for limited range as x/image/webp does, which does not matter
// for lossless WebP.
var testCodecs = Codecs{WebP: func(data []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(data)) }}

func TestFilesEqualReference(t *testing.T) {
	ref := readReference(t)
	if len(ref.Files) < 150 {
		t.Fatalf("only %d files", len(ref.Files))
	}
	for _, file := range ref.Files {
		t.Run(file.Name, func(t *testing.T) {
			data := fixture(t, file.Name)
			img, warnings, err := Decode(t.Context(), data, testCodecs)
			if file.Says != "" {
				var u UnsupportedError
				if !errors.As(err, &u) || !strings.Contains(err.Error(), file.Says) {
					t.Fatalf("%v; want it to say %q", err, file.Says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if file.Warns != (len(warnings) == 1) {
				t.Errorf("warnings %q", warnings)
			}
			right := ref.Rights[file.Right]
			checkHeader(t, data, img, right.Width, right.Height)
			if most, where := mostDifferent(img, inflated(t, right.RGB), file.Rows); most > file.Tolerance {
				t.Errorf("%T: values differ by %d at %v; at most %d is allowed", img, most, where, file.Tolerance)
			}
		})
	}
}

func checkHeader(t *testing.T, data []byte, img image.Image, width, height int) {
	t.Helper()
	h, err := ReadHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, width, height) || h.Width != width || h.Height != height || h.Orientation != 1 {
		t.Errorf("bounds %v, header %+v; want %d x %d", img.Bounds(), h, width, height)
	}
	if _, isCMYK := img.(*image.CMYK); isCMYK != h.CMYK {
		t.Errorf("%T, header %+v", img, h)
	}
}

func inflated(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mostDifferent compares a picture, on white, with RGB, in the first rows if rows is not 0.
func mostDifferent(img image.Image, want []byte, rows int) (most int, where image.Point) {
	b := img.Bounds()
	got := image.NewRGBA(b)
	draw.Draw(got, b, image.White, image.Point{}, draw.Src)
	draw.Draw(got, b, img, image.Point{}, draw.Over)
	if rows == 0 {
		rows = b.Dy()
	}
	for y := range rows {
		for x := range b.Dx() {
			c := color.RGBAModel.Convert(got.At(x, y)).(color.RGBA)
			for ch, v := range [3]byte{c.R, c.G, c.B} {
				w := int(want[3*(y*b.Dx()+x)+ch])
				if d := max(int(v)-w, w-int(v)); d > most {
					most, where = d, image.Pt(x, y)
				}
			}
		}
	}
	return most, where
}
