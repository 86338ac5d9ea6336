package color

import (
	"image"
	"math/rand/v2"
	"testing"
)

// BenchmarkApply converts a picture of 1000 x 750 pixels, as large as a photo is when
// it has been reduced.
func BenchmarkApply(b *testing.B) {
	rect := image.Rect(0, 0, 1000, 750)
	random := rand.New(rand.NewPCG(1, 2))
	// Neighbours are alike, as in photos: which parts of tables are used matters.
	fill := func(pix []byte) {
		v := 128.
		for i := range pix {
			v += random.NormFloat64()*5 + (128-v)/200
			pix[i] = byte(max(0, min(v, 255)))
		}
	}
	ycbcr, nrgba, cmyk, deepRGB := image.NewYCbCr(rect, image.YCbCrSubsampleRatio420), image.NewNRGBA(rect), image.NewCMYK(rect), image.NewNRGBA64(rect)
	for _, pix := range [][]byte{ycbcr.Y, ycbcr.Cb, ycbcr.Cr, nrgba.Pix, cmyk.Pix, deepRGB.Pix} {
		fill(pix)
	}
	profiles := map[string]string{}
	for _, r := range references(b) {
		profiles[r.Name] = string(r.ICC)
	}
	for _, bench := range []struct {
		name, profile string
		img           image.Image
	}{
		{"YCbCr by matrix", "matrix, gamma", ycbcr},
		{"NRGBA by matrix", "matrix, gamma", nrgba},
		{"NRGBA64 by matrix", "matrix, gamma", deepRGB},
		{"NRGBA by table", "mAB to Lab", nrgba},
		{"CMYK by table", "CMYK, mft2", cmyk},
	} {
		b.Run(bench.name, func(b *testing.B) {
			conversion, err := new(Cache).Conversion(Source{Profile: profiles[bench.profile]})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := conversion.Apply(bench.img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompile makes conversions, which happens once for each profile.
func BenchmarkCompile(b *testing.B) {
	for _, r := range references(b) {
		switch r.Name {
		case "matrix, table", "mAB to Lab", "CMYK, mft2", "grey, table":
			b.Run(r.Name, func(b *testing.B) {
				for b.Loop() {
					c, err := newConversion(Source{Profile: string(r.ICC)})
					if err != nil {
						b.Fatal(err)
					}
					c.shallow()
				}
			})
		}
	}
}
