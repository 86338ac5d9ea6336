package decode

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// formatPicture is a file of testdata/formats and what it shows. The files and the
// reference were written by write.py there.
type formatPicture struct {
	Name          string
	Width, Height int
	RGBA          []byte // not premultiplied, compressed by zlib
	Tolerance     *int   // greatest difference; without one at most a mean of 6
	Rows          int    // to compare, where it is not all
	Part          bool   // whose rows are compared as far as they go
	Warning       string // part of what is said; "" is for a whole picture
}

func formatPictures(t testing.TB) []formatPicture {
	t.Helper()
	data, err := os.ReadFile("testdata/formats/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference struct{ Files []formatPicture }
	if err := json.Unmarshal(data, &reference); err != nil {
		t.Fatal(err)
	}
	if len(reference.Files) < 150 {
		t.Fatalf("the reference has %d files", len(reference.Files))
	}
	return reference.Files
}

func (p formatPicture) pixels(t testing.TB) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(p.RGBA))
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := io.ReadAll(r)
	if err != nil || len(pixels) != 4*p.Width*p.Height {
		t.Fatalf("%d bytes, %v", len(pixels), err)
	}
	return pixels
}

func TestFormatsEqualReference(t *testing.T) {
	for _, want := range formatPictures(t) {
		t.Run(want.Name, func(t *testing.T) {
			path := filepath.Join("testdata/formats", want.Name)
			img, info, err := File(t.Context(), path, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if info.Width != want.Width || info.Height != want.Height || img.Bounds() != image.Rect(0, 0, want.Width, want.Height) {
				t.Fatalf("%+v, bounds %v; want %d x %d", info, img.Bounds(), want.Width, want.Height)
			}
			want.checkWarnings(t, info.Warnings)
			pixels := want.pixels(t)
			if want.Part {
				checkPart(t, img, pixels)
				return
			}
			if want.Rows > 0 {
				checkRows(t, img, pixels, want.Rows)
				return
			}
			most, mean := difference(img, pixels)
			if want.Tolerance != nil && most > *want.Tolerance || want.Tolerance == nil && mean > 6 {
				t.Errorf("values differ by %d (mean %.2f)", most, mean)
			}
		})
	}
}

// checkWarnings also looks that a damaged picture is refused by the setting.
func (p formatPicture) checkWarnings(t *testing.T, got []string) {
	t.Helper()
	_, _, err := File(t.Context(), filepath.Join("testdata/formats", p.Name), Limits{RefuseDamaged: true, Names: Names{RefuseDamaged: "--strict"}})
	if p.Warning == "" {
		if len(got) != 0 || err != nil {
			t.Errorf("warnings %q, and with RefuseDamaged %v", got, err)
		}
		return
	}
	if len(got) != 1 || !strings.Contains(got[0], p.Warning) {
		t.Fatalf("warnings %q, want %q", got, p.Warning)
	}
	var e *Error
	if !errors.As(err, &e) || e.Reason != Corrupt || e.Setting != "--strict" || !strings.Contains(err.Error(), got[0]) || !strings.Contains(err.Error(), "without --strict") {
		t.Errorf("RefuseDamaged gives %v", err)
	}
}

// checkPart compares the rows up to the first that is empty, but for the last ones,
// which a lossy picture smoothes.
func checkPart(t *testing.T, img image.Image, pixels []byte) {
	t.Helper()
	const smoothed = 16
	b, rows := img.Bounds(), 0
	for rows < b.Dy() && slices.ContainsFunc(pixelsOf(img, rows), func(v byte) bool { return v != 0 }) {
		rows++
	}
	if rows < b.Dy()/3 || rows == b.Dy() {
		t.Fatalf("%d rows of %d are shown", rows, b.Dy())
	}
	checkRows(t, img, pixels, rows-smoothed)
}

func checkRows(t *testing.T, img image.Image, pixels []byte, rows int) {
	t.Helper()
	width := img.Bounds().Dx()
	for y := range rows {
		if !bytes.Equal(pixelsOf(img, y), pixels[4*width*y:][:4*width]) {
			t.Fatalf("row %d differs", y)
		}
	}
	if last := img.Bounds().Dy() - 1; bytes.Equal(pixelsOf(img, last), pixels[4*width*last:]) {
		t.Error("nothing is missing")
	}
}

func pixelsOf(img image.Image, y int) []byte {
	var row []byte
	for x := range img.Bounds().Dx() {
		c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		row = append(row, c.R, c.G, c.B, c.A)
	}
	return row
}

func pixelsAll(img image.Image) (pixels []byte) {
	for y := range img.Bounds().Dy() {
		pixels = append(pixels, pixelsOf(img, y)...)
	}
	return pixels
}
