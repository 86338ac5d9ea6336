package decode

import (
	"fmt"
	"image"
	"math/rand/v2"
	"runtime"
	"testing"

	"golang.org/x/image/draw"
)

// noise is a picture whose pixels have nothing to do with each other, in so many tones
// around a grey.
func noise(img *image.NRGBA, tones uint8) *image.NRGBA {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = 128 - tones/2 + uint8(random.UintN(uint(tones)))
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// In bands a picture comes out as it does at once, but for rounding, and for what is
// brighter or darker than possible between the two steps, which is cut off.
func TestShrinkIsCatmullRom(t *testing.T) {
	for _, size := range []struct{ from, to image.Point }{
		{image.Pt(900, 700), image.Pt(300, 233)},
		{image.Pt(700, 900), image.Pt(600, 771)},
		{image.Pt(512, 256), image.Pt(256, 128)},
		{image.Pt(257, 1), image.Pt(30, 1)},
		{image.Pt(1, 513), image.Pt(1, 30)},
	} {
		for _, tones := range []uint8{100, 255} {
			big := noise(image.NewNRGBA(image.Rect(0, 0, size.from.X+9, size.from.Y+7)), tones)
			img := big.SubImage(image.Rectangle{Max: size.from}.Add(image.Pt(5, 3)))
			got, want := image.NewRGBA(image.Rectangle{Max: size.to}), image.NewRGBA(image.Rectangle{Max: size.to})
			shrink(got, img)
			draw.CatmullRom.Scale(want, want.Rect, img, img.Bounds(), draw.Src, nil)
			worst, mean := distance(got.Pix, want.Pix)
			if mean > 0.5 || tones < 255 && worst > 1 {
				t.Errorf("%v to %v, %d tones: samples differ by %.2f, one by %d", size.from, size.to, tones, mean, worst)
			}
		}
	}
}

func distance(a, b []uint8) (worst int, mean float64) {
	for i := range a {
		d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		worst, mean = max(worst, d), mean+float64(d)/float64(len(a))
	}
	return worst, mean
}

// A thumbnail takes little beside the picture.
func TestThumbnailTakesLittle(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 4000, 3000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := Thumbnail(img, 1024); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > uint64(len(img.Pix)) {
		t.Errorf("a thumbnail of a picture of %d MB takes %d MB", len(img.Pix)/1e6, took/1e6)
	}
}

func BenchmarkShrink(b *testing.B) {
	for _, size := range []image.Point{{4000, 3000}, {9000, 7000}} {
		img, small := noise(image.NewNRGBA(image.Rectangle{Max: size}), 255), image.NewRGBA(image.Rectangle{Max: fit(size, 1024)})
		b.Run(fmt.Sprint(size, " in bands"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				shrink(small, img)
			}
		})
		b.Run(fmt.Sprint(size, " at once"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				draw.CatmullRom.Scale(small, small.Rect, img, img.Bounds(), draw.Src, nil)
			}
		})
	}
}
