package gate

import (
	"context"
	"fmt"
	"image"
	"math"
)

// LeastCosine is the least cosine that vectors must have with the exact ones.
const LeastCosine = 0.99

// Embedder is a model at one precision. Vectors have length one.
type Embedder interface {
	EncodeTexts(ctx context.Context, texts []string) ([][]float32, error)
	EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error)
}

// Agreement says how close the vectors of two models are. All its numbers are
// finite.
type Agreement struct {
	Count   int     `json:"count"`             // vectors compared
	Worst   float64 `json:"worst"`             // least cosine, -1 to 1
	Mean    float64 `json:"mean"`              // cosine
	Input   string  `json:"input,omitempty"`   // the text or picture with the least
	Invalid int     `json:"invalid,omitempty"` // vectors without a cosine, which count as -1
}

// Texts compares the vectors of texts.
func Texts(ctx context.Context, exact, candidate Embedder, texts []string) (Agreement, error) {
	return encodeBoth(texts, exact, candidate, func(e Embedder) ([][]float32, error) { return e.EncodeTexts(ctx, texts) })
}

// Pictures compares the vectors of pictures; names are for the report.
func Pictures(ctx context.Context, exact, candidate Embedder, names []string, pictures []image.Image) (Agreement, error) {
	return encodeBoth(names, exact, candidate, func(e Embedder) ([][]float32, error) { return e.EncodeImages(ctx, pictures) })
}

func encodeBoth(names []string, exact, candidate Embedder, encode func(Embedder) ([][]float32, error)) (Agreement, error) {
	want, err := encode(exact)
	if err != nil {
		return Agreement{}, fmt.Errorf("the exact model: %w", err)
	}
	got, err := encode(candidate)
	if err != nil {
		return Agreement{}, err
	}
	return Compare(names, got, want)
}

// Compare compares each vector with the exact one. There is a name for each,
// for the report.
func Compare(names []string, got, want [][]float32) (Agreement, error) {
	if len(got) != len(names) || len(want) != len(names) {
		return Agreement{}, fmt.Errorf("compare vectors: %d exact ones and %d others for %d inputs", len(want), len(got), len(names))
	}
	if len(names) == 0 {
		return Agreement{}, nil
	}
	a := Agreement{Count: len(names), Worst: 1}
	for i, name := range names {
		if len(got[i]) != len(want[i]) {
			return Agreement{}, fmt.Errorf("compare vectors of %.60q: one has %d numbers, the exact one %d", name, len(got[i]), len(want[i]))
		}
		similarity, ok := cosine(got[i], want[i])
		if !ok {
			a.Invalid++
		}
		a.Mean += similarity / float64(len(names))
		if similarity < a.Worst {
			a.Worst, a.Input = similarity, name
		}
	}
	return a, nil
}

// cosine does not trust vectors to have length one exactly. Without an angle
// between them it is -1 and not ok.
func cosine(a, b []float32) (similarity float64, ok bool) {
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	similarity = dot / math.Sqrt(aa*bb)
	if math.IsNaN(similarity) || math.IsInf(aa+bb, 0) {
		return -1, false
	}
	return min(max(similarity, -1), 1), true
}

// problem says what speaks against the vectors, going by one of their cosines; it is
// empty if nothing does.
func (a Agreement) problem(what string, cosine float64, which string) []string {
	switch {
	case a.Count == 0:
		return []string{"no " + what + " were compared"}
	case a.Invalid > 0:
		return []string{fmt.Sprintf("the vectors of %d of %d %s are not finite or have no length", a.Invalid, a.Count, what)}
	case !(cosine >= LeastCosine):
		return []string{fmt.Sprintf("the vectors of %d %s have a cosine of %.5f to fp32 %s, %.2f is required",
			a.Count, what, cosine, which, LeastCosine)}
	}
	return nil
}

func (a Agreement) worst() string { return fmt.Sprintf("at worst (%.60s)", a.Input) }
