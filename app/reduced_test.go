package main

import (
	"testing"

	"polylens/encoder"
	"polylens/encoder/preprocess"
	"polylens/indexer/decode"
	"polylens/indexer/decode/reduced"
	"polylens/internal/needs"
)

// The README says by how much reducing JPEGs moves vectors.
func TestReducedPicturesKeepTheirVectors(t *testing.T) {
	needs.ONNXRuntime(t)
	model := leakModel(t)
	grain := texture()
	for _, points := range reduced.Points {
		for seed := range 4 {
			side, _ := model.Target(1000, 1000)
			width := 8 * (5 + seed + 2*side/points)
			if points == 1 { // takes more headroom
				width *= 2
			}
			data := photoJPEG(t, grain, seed, width, width+40)
			whole := vectorOf(t, model, &decode.Decoder{Exact: true}, data, width)
			small := vectorOf(t, model, new(decode.Decoder), data, reduced.Side(width, points))
			if distance := 1 - dot(whole, small); distance > 0.001 {
				t.Errorf("%d points, picture %d of width %d: the cosine is less by %.6f", points, seed, width, distance)
			}
		}
	}
}

// vectorOf is the vector of a JPEG, which the decoder must give a certain width.
func vectorOf(t *testing.T, model *encoder.Encoder, decoder *decode.Decoder, data []byte, width int) []float32 {
	t.Helper()
	img, _, err := decoder.Bytes(t.Context(), "x", data, model.Target, decode.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dx(); got != width {
		t.Fatalf("decoded to a width of %d, want %d", got, width)
	}
	pixels, err := model.Preprocess(img)
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := model.EncodePixels(t.Context(), []preprocess.Pixels{pixels})
	if err != nil {
		t.Fatal(err)
	}
	return vectors[0]
}

// dot is the cosine of vectors of length one.
func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
