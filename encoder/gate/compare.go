package gate

import (
	"context"
	"fmt"
	"image"
	"math"
)

// LeastCosine is what every vector must have in common with its exact one.
const LeastCosine = 0.99

// Embedder is a model at one precision. Vectors have length one.
type Embedder interface {
	EncodeTexts(ctx context.Context, texts []string) ([][]float32, error)
	EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error)
}

// Agreement says how close the vectors of two models are.
type Agreement struct {
	Count int     `json:"count"`
	Worst float64 `json:"worst"` // least cosine
	Mean  float64 `json:"mean"`
	Input string  `json:"input,omitempty"` // the text or picture with the least
}

// Passed tells whether every vector is close enough.
func (a Agreement) Passed() bool { return a.Count > 0 && a.Worst >= LeastCosine }

// Texts compares the vectors of texts.
func Texts(ctx context.Context, exact, candidate Embedder, texts []string) (Agreement, error) {
	return compare(texts, func(e Embedder) ([][]float32, error) { return e.EncodeTexts(ctx, texts) }, exact, candidate)
}

// Pictures compares the vectors of pictures; names are for the report.
func Pictures(ctx context.Context, exact, candidate Embedder, names []string, pictures []image.Image) (Agreement, error) {
	return compare(names, func(e Embedder) ([][]float32, error) { return e.EncodeImages(ctx, pictures) }, exact, candidate)
}

func compare(names []string, encode func(Embedder) ([][]float32, error), exact, candidate Embedder) (Agreement, error) {
	want, err := encode(exact)
	if err != nil {
		return Agreement{}, fmt.Errorf("the exact model: %w", err)
	}
	got, err := encode(candidate)
	if err != nil {
		return Agreement{}, err
	}
	return agreement(names, got, want), nil
}

func agreement(names []string, got, want [][]float32) Agreement {
	a := Agreement{Count: len(want), Worst: 1}
	for i := range want {
		similarity := cosine(got[i], want[i])
		a.Mean += similarity / float64(len(want))
		if similarity < a.Worst || math.IsNaN(similarity) {
			a.Worst, a.Input = similarity, names[i]
		}
	}
	return a
}

// cosine does not trust vectors to have length one exactly.
func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	return dot / math.Sqrt(aa*bb)
}
