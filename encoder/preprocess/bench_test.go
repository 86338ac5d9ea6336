package preprocess

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
)

// noise fills bytes the same way every time.
func noise(pix []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range pix {
		pix[i] = byte(r.Uint32())
	}
}

// The times of Pillow come from testdata/bench_pillow.py.
func BenchmarkProcess(b *testing.B) {
	for _, size := range []struct {
		name          string
		width, height int
	}{{"2MP", 1632, 1224}, {"12MP", 4032, 3024}} {
		r := image.Rect(0, 0, size.width, size.height)
		photo, drawing := image.NewYCbCr(r, image.YCbCrSubsampleRatio420), image.NewNRGBA(r)
		for _, plane := range [][]byte{photo.Y, photo.Cb, photo.Cr, drawing.Pix} {
			noise(plane, 1)
		}
		for _, img := range []image.Image{photo, drawing} {
			for _, resample := range []int{2, 3} {
				for _, side := range []int{224, 256, 384, 512} {
					name := fmt.Sprintf("%s/%T/resample=%d/%d", size.name, img, resample, side)
					b.Run(name, func(b *testing.B) { benchmarkProcess(b, img, resample, side) })
				}
			}
		}
	}
}

func benchmarkProcess(b *testing.B, img image.Image, resample, side int) {
	p, err := Parse(fmt.Appendf(nil, `{"resample":%d,"size":{"height":%d,"width":%[2]d}}`, resample, side))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Pixels(img); err != nil {
			b.Fatal(err)
		}
	}
}
