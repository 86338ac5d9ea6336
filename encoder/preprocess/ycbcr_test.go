package preprocess

import (
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The JPEGs and what Pillow decodes them to were written by
// testdata/write_reference.py. The inverse cosine transforms of libjpeg-turbo
// and Go may differ by one step, which colour conversion can double, but not
// for the blocks, each of which has one colour.
func TestYCbCrEqualsLibjpeg(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatal("no JPEGs in testdata", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got, want := readPicture(t, path), readPicture(t, strings.TrimSuffix(path, "jpg")+"png")
			most, sum := 0, 0
			for y := range got.Bounds().Dy() {
				a, b := readRow(got, y, fastestPath()), readRow(want, y, fastestPath())
				for i := range a {
					d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
					most, sum = max(most, d), sum+d
				}
			}
			mean := float64(sum) / float64(3*got.Bounds().Dx()*got.Bounds().Dy())
			if strings.HasPrefix(filepath.Base(path), "blocks") && most > 0 {
				t.Errorf("%T differs from Pillow by at most %d where transforms are exact", got, most)
			}
			if most > 3 || mean > 0.3 {
				t.Errorf("%T differs from Pillow by at most %d, mean %.3f", got, most, mean)
			}
		})
	}
}

func readPicture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A part of a picture is read as that part, whatever pixel it begins at.
func TestYCbCrParts(t *testing.T) {
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		m := image.NewYCbCr(image.Rect(-4, 2, 9, 13), ratio)
		for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				plane[i] = byte(100 + len(plane)%30)
			}
		}
		want := readRow(m, 0, fastestPath())
		for x0 := -4; x0 < 9; x0++ {
			for y0 := 2; y0 < 13; y0++ {
				part := m.SubImage(image.Rect(x0, y0, 9, 13))
				for y := range 13 - y0 {
					if got := readRow(part, y, fastestPath()); !slices.Equal(got, want[:len(got)]) {
						t.Fatalf("%v from (%d,%d) row %d: %v, want %v", ratio, x0, y0, y, got, want)
					}
				}
			}
		}
	}
}
