package judge

import (
	"context"
	"fmt"
	"slices"

	"polylens/trainer/evaluate"
)

// remembering asks a model for each text once: texts are compared first, and then
// searched for more than once.
type remembering struct {
	Model
	texts map[string][]float32
}

func remember(model Model) *remembering {
	return &remembering{Model: model, texts: map[string][]float32{}}
}

// EncodeTexts implements Model.
func (r *remembering) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	var missing []string
	for _, text := range texts {
		if _, known := r.texts[text]; !known && !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	encoded, err := r.Model.EncodeTexts(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, text := range missing {
		r.texts[text] = encoded[i]
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = r.texts[text]
	}
	return vectors, nil
}

// unitTexts returns vectors of length 1, whatever the model's length is: only their
// direction is judged.
type unitTexts struct{ model evaluate.TextEncoder }

// EncodeTexts implements evaluate.TextEncoder.
func (u unitTexts) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := u.model.EncodeTexts(ctx, texts)
	if err != nil {
		return nil, err
	}
	return unit(vectors)
}

func unit(vectors [][]float32) ([][]float32, error) {
	units := make([][]float32, len(vectors))
	for i, vector := range vectors {
		var err error
		if units[i], err = evaluate.Unit(vector); err != nil {
			return nil, fmt.Errorf("vector %d: %w", i, err)
		}
	}
	return units, nil
}
