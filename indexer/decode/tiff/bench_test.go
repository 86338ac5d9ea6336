package tiff

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	xtiff "golang.org/x/image/tiff"
)

// photograph is of a size that cameras have, with soft light and noise.
func photograph(width, height int) *image.NRGBA {
	random := rand.New(rand.NewPCG(1, 2))
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			noise := random.IntN(9)
			out.SetNRGBA(x, y, color.NRGBA{byte(x*150/width + noise), byte(y*200/height + noise), byte((x+y)/20 + noise), 255})
		}
	}
	return out
}

// as copies a picture into another.
func as[T interface {
	image.Image
	Set(x, y int, c color.Color)
}](img image.Image, out T) T {
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

// BenchmarkDecode has golang.org/x/image/tiff as its opponent, on what both read.
func BenchmarkDecode(b *testing.B) {
	rgb := photograph(2000, 1500)
	r := rgb.Rect
	opaque, gray, gray16, rgb16 := as(rgb, image.NewRGBA(r)), as(rgb, image.NewGray(r)), as(rgb, image.NewGray16(r)), as(rgb, image.NewRGBA64(r))
	indexed := image.NewPaletted(r, color.Palette{color.Black, color.White, color.RGBA{200, 9, 9, 255}})
	for i := range indexed.Pix {
		indexed.Pix[i] = gray.Pix[i] / 86
	}
	for _, way := range []struct {
		name string
		img  image.Image
		xtiff.Options
	}{
		{"RGBA", opaque, xtiff.Options{}},
		{"NRGBA", rgb, xtiff.Options{}},
		{"gray", gray, xtiff.Options{}},
		{"gray16", gray16, xtiff.Options{}},
		{"RGBA64", rgb16, xtiff.Options{}},
		{"palette", indexed, xtiff.Options{}},
		{"RGBA deflate", opaque, xtiff.Options{Compression: xtiff.Deflate}},
		{"RGBA deflate predictor", opaque, xtiff.Options{Compression: xtiff.Deflate, Predictor: true}},
		{"gray deflate", gray, xtiff.Options{Compression: xtiff.Deflate}},
		{"RGBA64 deflate predictor", rgb16, xtiff.Options{Compression: xtiff.Deflate, Predictor: true}},
	} {
		var data bytes.Buffer
		if err := xtiff.Encode(&data, way.img, &way.Options); err != nil {
			b.Fatal(err)
		}
		race(b, way.name, data.Bytes())
	}
	for _, name := range []string{"f_rgb_lzw.tif", "c_fax_g4.tif", "f_rgb_tiles.tif"} {
		race(b, name, fixture(b, name))
	}
}

// race reads a file in both ways, one right after the other.
func race(b *testing.B, name string, data []byte) {
	b.Run(fmt.Sprintf("ours/%s", name), func(b *testing.B) {
		for b.Loop() {
			if _, _, err := Decode(b.Context(), data, Codecs{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("x/%s", name), func(b *testing.B) {
		for b.Loop() {
			if _, err := xtiff.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
