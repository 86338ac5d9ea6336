// Package rastertest tests decoders of simple picture formats with data of any kind. It
// is for tests only.
package rastertest

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"

	"polylens/indexer/decode/raster"
)

// Fuzz gives a decoder the files that match the pattern, and what fuzzing makes of
// them. A picture that it returns, whole or not, must have the size that it announced
// and begin at the origin, and all its pixels must be there.
func Fuzz(f *testing.F, pattern string, config func([]byte) (image.Config, error), decode func(context.Context, []byte) (image.Image, error)) {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		f.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { check(t, data, config, decode) })
}

func check(t *testing.T, data []byte, config func([]byte) (image.Config, error), decode func(context.Context, []byte) (image.Image, error)) {
	const most, side = 1 << 20, 1 << 16
	c, err := config(data)
	if err != nil || c.Width <= 0 || c.Height <= 0 || c.Width > side || c.Height > side || c.Width*c.Height > most {
		return
	}
	img, err := decode(t.Context(), data)
	var cut *raster.Incomplete
	switch {
	case errors.As(err, &cut) && (cut.Missing <= 0 || cut.Missing > 1):
		t.Fatalf("a share of %v is missing", cut.Missing)
	case err != nil && cut == nil:
		return
	case img == nil:
		t.Fatal("neither a picture nor an error")
	}
	if img.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
		t.Fatalf("%v instead of %d x %d", img.Bounds(), c.Width, c.Height)
	}
	for y := range c.Height {
		for x := range c.Width {
			img.At(x, y)
		}
	}
}
