package decode

import (
	"encoding/json"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"
)

type referencePicture struct {
	Name          string
	Width, Height int
	Tolerance     *int // greatest difference of a value; null: chroma is interpolated otherwise, a mean of 6
	RGBA          []byte
}

// The pictures and the reference were written by testdata/write_fixtures.py.
func TestFilesEqualReference(t *testing.T) { equalReference(t, "testdata") }

// equalReference compares the files of a folder with its reference.json.
func equalReference(t *testing.T, folder string) {
	data, err := os.ReadFile(filepath.Join(folder, "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ref struct{ Files []referencePicture }
	if err := json.Unmarshal(data, &ref); err != nil {
		t.Fatal(err)
	}
	if len(ref.Files) == 0 {
		t.Fatal("the reference is empty")
	}
	decoder := new(Decoder)
	for _, want := range ref.Files {
		t.Run(want.Name, func(t *testing.T) {
			img, info, err := decoder.File(t.Context(), filepath.Join(folder, want.Name), nil, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(info.Warnings) > 0 {
				t.Error(info.Warnings)
			}
			if info.Width != want.Width || info.Height != want.Height || img.Bounds() != image.Rect(0, 0, want.Width, want.Height) {
				t.Fatalf("%d x %d, bounds %v; want %d x %d", info.Width, info.Height, img.Bounds(), want.Width, want.Height)
			}
			most, mean := difference(img, want.RGBA)
			if want.Tolerance != nil && most > *want.Tolerance {
				t.Errorf("values differ by %d (mean %.2f); at most %d is allowed", most, mean, *want.Tolerance)
			}
			if want.Tolerance == nil && mean > 6 {
				t.Errorf("values differ by %d (mean %.2f)", most, mean)
			}
		})
	}
}

// difference compares with RGBA bytes that are not premultiplied; transparent
// pixels have no colour.
func difference(img image.Image, rgba []byte) (most int, mean float64) {
	sum, i := 0, 0
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			for ch, v := range [4]byte{c.R, c.G, c.B, c.A} {
				d := max(int(v)-int(rgba[i+ch]), int(rgba[i+ch])-int(v))
				if c.A == 0 && ch < 3 {
					d = 0
				}
				most, sum = max(most, d), sum+d
			}
			i += 4
		}
	}
	return most, float64(sum) / float64(len(rgba))
}
