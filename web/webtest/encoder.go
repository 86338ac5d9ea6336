package webtest

import (
	"context"
	"image"
	"math"
	"strings"

	"polylens/search"
)

// Encoder pretends to be a model: it sees a picture as a coarse grid of
// colours, and knows what the concepts look like by their names.
type Encoder struct{}

// Fingerprint implements search.Encoder.
func (Encoder) Fingerprint() string { return Fingerprint }

// Dimension implements search.Encoder.
func (Encoder) Dimension() int { return grid * grid * 3 }

// For implements search.Encoder. It sees every picture alike.
func (e Encoder) For(int) (search.Encoder, error) { return e, nil }

// EncodeTexts implements search.Encoder. Words that no concept has come out as
// a grey picture.
func (Encoder) EncodeTexts(_ context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = imagine(strings.ToLower(text))
	}
	return vectors, nil
}

// EncodeImages implements search.Encoder.
func (Encoder) EncodeImages(_ context.Context, images []image.Image) ([][]float32, error) {
	vectors := make([][]float32, len(images))
	for i, picture := range images {
		vectors[i] = look(picture)
	}
	return vectors, nil
}

const grid = 6

// imagine is the mean look of the concept that text names.
func imagine(text string) []float32 {
	mean := make([]float32, grid*grid*3)
	for _, concept := range Concepts {
		for _, name := range concept.Names {
			if !strings.Contains(text, name) {
				continue
			}
			for _, drawn := range gallery()[concept.Name] {
				for i, x := range drawn.vector {
					mean[i] += x
				}
			}
		}
	}
	return unit(mean)
}

// look is the colours of a picture's middle square on a grid, centred.
func look(picture image.Image) []float32 {
	bounds := picture.Bounds()
	side := min(bounds.Dx(), bounds.Dy())
	left, top := bounds.Min.X+(bounds.Dx()-side)/2, bounds.Min.Y+(bounds.Dy()-side)/2
	vector := make([]float32, 0, grid*grid*3)
	for row := range grid {
		for column := range grid {
			r, g, b, _ := picture.At(left+(2*column+1)*side/(2*grid), top+(2*row+1)*side/(2*grid)).RGBA()
			vector = append(vector, float32(r)/65535-0.6, float32(g)/65535-0.6, float32(b)/65535-0.6)
		}
	}
	return unit(vector)
}

func unit(vector []float32) []float32 {
	length := math.Sqrt(float64(inner(vector, vector)))
	if length == 0 {
		vector[0], length = 1, 1
	}
	for i := range vector {
		vector[i] /= float32(length)
	}
	return vector
}

func inner(a, b []float32) float32 {
	var sum float32
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
