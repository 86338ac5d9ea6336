package gate

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"math"
	"strings"
	"testing"
)

// turned is a unit vector at a cosine from (1, 0).
func turned(cosine float64) []float32 {
	return []float32{float32(cosine), float32(math.Sqrt(1 - cosine*cosine))}
}

func TestCompare(t *testing.T) {
	straight, nan, inf := []float32{1, 0}, float32(math.NaN()), float32(math.Inf(1))
	for name, test := range map[string]struct {
		got  [][]float32
		want Agreement // names are "a", "b", ...
	}{
		"equal":          {[][]float32{straight, straight}, Agreement{Count: 2, Worst: 1, Mean: 1}},
		"one apart":      {[][]float32{straight, turned(0.5)}, Agreement{Count: 2, Worst: 0.5, Mean: 0.75, Input: "b"}},
		"not of length":  {[][]float32{{3, 0}, {0.1, 0}}, Agreement{Count: 2, Worst: 1, Mean: 1}},
		"opposite":       {[][]float32{{-1, 0}}, Agreement{Count: 1, Worst: -1, Mean: -1, Input: "a"}},
		"not a number":   {[][]float32{{nan, 0}, straight}, Agreement{Count: 2, Worst: -1, Mean: 0, Input: "a", Invalid: 1}},
		"NaN after bad":  {[][]float32{turned(0.5), {0, nan}}, Agreement{Count: 2, Worst: -1, Mean: -0.25, Input: "b", Invalid: 1}},
		"bad after NaN":  {[][]float32{{0, nan}, turned(0.5)}, Agreement{Count: 2, Worst: -1, Mean: -0.25, Input: "a", Invalid: 1}},
		"infinite":       {[][]float32{{inf, 0}, {0, inf}}, Agreement{Count: 2, Worst: -1, Mean: -1, Input: "a", Invalid: 2}},
		"without length": {[][]float32{{0, 0}}, Agreement{Count: 1, Worst: -1, Mean: -1, Input: "a", Invalid: 1}},
		"none":           {nil, Agreement{}},
	} {
		names := strings.Split("abcdef", "")[:len(test.got)]
		var want [][]float32
		for range test.got {
			want = append(want, straight)
		}
		got, err := Compare(names, test.got, want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if math.Abs(got.Worst-test.want.Worst) > 1e-6 || math.Abs(got.Mean-test.want.Mean) > 1e-6 {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
		got.Worst, got.Mean = test.want.Worst, test.want.Mean
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("%s cannot be kept: %v", name, err)
		}
	}
}

func TestCompareRefusesOtherShapes(t *testing.T) {
	one := [][]float32{{1, 0}}
	for name, test := range map[string]struct{ got, want [][]float32 }{
		"too few":          {nil, one},
		"too few exact":    {one, nil},
		"too many":         {[][]float32{{1, 0}, {1, 0}}, [][]float32{{1, 0}, {1, 0}}},
		"other dimension":  {[][]float32{{1, 0, 0}}, one},
		"shorter vector":   {[][]float32{{1}}, one},
		"exact is shorter": {one, [][]float32{{1}}},
	} {
		if a, err := Compare([]string{"a"}, test.got, test.want); err == nil {
			t.Errorf("%s: %+v, want an error", name, a)
		}
	}
}

// fake gives every input the same vector.
type fake struct {
	vector []float32
	err    error
}

func (f fake) EncodeTexts(_ context.Context, texts []string) ([][]float32, error) {
	return f.vectors(len(texts))
}

func (f fake) EncodeImages(_ context.Context, pictures []image.Image) ([][]float32, error) {
	return f.vectors(len(pictures))
}

func (f fake) vectors(count int) ([][]float32, error) {
	vectors := make([][]float32, count)
	for i := range vectors {
		vectors[i] = f.vector
	}
	return vectors, f.err
}

func TestProbes(t *testing.T) {
	exact, candidate := fake{vector: turned(1)}, fake{vector: turned(0.75)}
	texts, names, pictures := Probes()
	if len(texts) != 36 || len(names) != len(pictures) || len(pictures) < 16 {
		t.Fatalf("%d texts, %d names of %d pictures", len(texts), len(names), len(pictures))
	}
	ofTexts, err := Texts(t.Context(), exact, candidate, texts)
	if err != nil || ofTexts.Count != len(texts) || math.Abs(ofTexts.Worst-0.75) > 1e-6 || ofTexts.Input != texts[0] {
		t.Errorf("texts %+v, %v", ofTexts, err)
	}
	ofPictures, err := Pictures(t.Context(), exact, candidate, names, pictures)
	if err != nil || ofPictures.Count != len(names) || math.Abs(ofPictures.Worst-0.75) > 1e-6 || ofPictures.Input != names[0] {
		t.Errorf("pictures %+v, %v", ofPictures, err)
	}
	again, _, _ := Probes()
	again[0] = "changed by the caller"
	if texts, _, _ := Probes(); texts[0] == again[0] {
		t.Error("a caller can change the probes")
	}
}

// TestProbesDiffer holds the drawings apart: sixteen times the same picture
// would be one probe.
func TestProbesDiffer(t *testing.T) {
	_, names, pictures := Probes()
	seen := map[[3]uint64]string{}
	for i, picture := range pictures {
		var sum [3]uint64
		bounds := picture.Bounds()
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			for x := bounds.Min.X; x < bounds.Max.X; x++ {
				r, g, b, _ := picture.At(x, y).RGBA()
				sum[0], sum[1], sum[2] = sum[0]*31+uint64(r), sum[1]*31+uint64(g), sum[2]*31+uint64(b)
			}
		}
		if other, ok := seen[sum]; ok {
			t.Errorf("%s is %s", names[i], other)
		}
		seen[sum] = names[i]
	}
}

func TestErrorsOfModels(t *testing.T) {
	good, broken := fake{vector: turned(1)}, fake{err: errors.New("out of memory")}
	if _, err := Texts(t.Context(), broken, good, []string{"a"}); err == nil || !strings.Contains(err.Error(), "exact") {
		t.Errorf("the exact model fails: %v", err)
	}
	if _, err := Texts(t.Context(), good, broken, []string{"a"}); err == nil || strings.Contains(err.Error(), "exact") {
		t.Errorf("the other model fails: %v", err)
	}
}
