package decode

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// Dots of black and white keep their mean where the picture is reduced: they are decoded
// at full size, if there is memory for it. Noise of a camera is reduced.
func TestSaturatedIsNotReduced(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	target := func(_, _ int) (int, int) { return 64, 64 }
	for _, tt := range []struct {
		name    string
		quality int
		at      func() float64
		memory  int64
		reduced bool
	}{
		{"dots", 40, func() float64 { return float64(random.IntN(5)/4) * 255 }, 0, false},
		{"dots, little memory", 40, func() float64 { return float64(random.IntN(5)/4) * 255 }, 1 << 20, true},
		{"grain", 40, func() float64 { return 128 + 12*random.NormFloat64() }, 0, true},
		{"grain, fine", 98, func() float64 { return 128 + 12*random.NormFloat64() }, 0, true},
	} {
		m := image.NewGray(image.Rect(0, 0, 1024, 1024))
		for i := range m.Pix {
			m.Pix[i] = byte(min(max(tt.at(), 0), 255))
		}
		var data bytes.Buffer
		if err := jpeg.Encode(&data, m, &jpeg.Options{Quality: tt.quality}); err != nil {
			t.Fatal(err)
		}
		img, _, err := new(Decoder).Bytes(t.Context(), tt.name, data.Bytes(), target, Limits{MaxMemory: tt.memory})
		if err != nil {
			t.Fatal(err)
		}
		if reduced := img.Bounds() != m.Rect; reduced != tt.reduced {
			t.Errorf("%s: %v, reduced: %v", tt.name, img.Bounds(), reduced)
		}
		if tt.reduced && tt.memory > 0 {
			continue
		}
		whole, err := jpeg.Decode(&data)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := meanGray(img), meanGray(whole); a-b > 1 || b-a > 1 {
			t.Errorf("%s: a mean of %.1f, at full size %.1f", tt.name, a, b)
		}
	}
}

func meanGray(img image.Image) float64 {
	var sum, count float64
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			sum += float64(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
			count++
		}
	}
	return sum / count
}
