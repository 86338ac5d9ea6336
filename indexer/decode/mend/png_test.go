package mend

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"polylens/indexer/decode/raster"
)

func pngs(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../testdata/formats/*.png")
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// What needs no mending shows the same when it is mended.
func TestWholeStaysTheSame(t *testing.T) {
	compared := 0
	for name, data := range pngs(t) {
		want, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			continue
		}
		mended, err := NewPNG(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := png.Decode(mended)
		if err != nil || mended.Missing() != nil {
			t.Fatalf("%s: %v, %v", name, err, mended.Missing())
		}
		compared++
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				if a, b := want.At(x, y), got.At(x, y); color.NRGBA64Model.Convert(a) != color.NRGBA64Model.Convert(b) {
					t.Fatalf("%s: %v instead of %v at %d, %d", name, b, a, x, y)
				}
			}
		}
	}
	if compared < 10 {
		t.Errorf("%d pictures were compared", compared)
	}
}

func TestNotToBeMended(t *testing.T) {
	whole := pngs(t)["rgba16.png"]
	app := append(bytes.Clone(whole[:8]), "\x00\x00\x00\x04CgBI\x50\x00\x20\x02\x2b\xd5\xb3\x7f"...)
	for name, data := range map[string][]byte{
		"nothing": nil, "no header": whole[:8], "header cut off": whole[:20], "no pixels": whole[:33], "pixels without data": whole[:42],
	} {
		if _, err := NewPNG(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var unsupported raster.Unsupported
	if _, err := NewPNG(append(app, whole[8:]...)); !errors.As(err, &unsupported) {
		t.Errorf("CgBI: %v", err)
	}
}

// Whatever the data, there is either an error or a PNG that image/png reads or calls
// unsupported or of a wrong kind, but not one with a wrong checksum or too few pixels.
func FuzzPNG(f *testing.F) {
	for _, data := range pngs(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		mended, err := NewPNG(data)
		if err != nil || mended.length > 1<<20 {
			return
		}
		out, err := io.ReadAll(mended)
		if err != nil {
			t.Fatal(err)
		}
		var cut *raster.Incomplete
		if missing := mended.Missing(); errors.As(missing, &cut) && (cut.Missing <= 0 || cut.Missing > 1) {
			t.Fatal(missing)
		}
		for _, unfit := range []string{"invalid checksum", "not enough pixel data", "too much pixel data", "EOF"} {
			if _, err := png.Decode(bytes.NewReader(out)); err != nil && bytes.Contains([]byte(err.Error()), []byte(unfit)) {
				t.Fatal(err)
			}
		}
	})
}

// Of a row that ends early nothing is shown: what its filter makes of the missing bytes
// is no picture.
func TestRowInPart(t *testing.T) {
	const width, height = 40, 30
	m := image.NewGray(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = byte(200 + i%width + i/width)
	}
	var whole bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&whole, m); err != nil {
		t.Fatal(err)
	}
	const rows, before = 10, 8 + 25 + 8 + 2 + 5 // signature, IHDR, IDAT, zlib, block
	mended, err := NewPNG(whole.Bytes()[:before+rows*(width+1)+width/2])
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(mended)
	if err != nil {
		t.Fatal(err)
	}
	for y := range height {
		for x := range width {
			want := byte(0)
			if y < rows {
				want = m.GrayAt(x, y).Y
			}
			if c := got.(*image.Gray).GrayAt(x, y).Y; c != want {
				t.Fatalf("%d at %d, %d, want %d", c, x, y, want)
			}
		}
	}
	var cut *raster.Incomplete
	if err := mended.Missing(); !errors.As(err, &cut) || math.Abs(cut.Missing-float64(height-rows)/height) > 1e-9 {
		t.Errorf("%v is missing", err)
	}
}
