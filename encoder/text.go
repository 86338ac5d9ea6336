package encoder

import (
	"context"
	"fmt"
	"slices"

	"polylens/encoder/ort"
)

// EncodeTexts returns one unit vector of Dimension numbers for each text, in
// order. No texts give no vectors. Vectors of recent texts are remembered.
func (e *Encoder) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make(map[string][]float32, len(texts))
	var missing []string
	for _, text := range texts {
		if _, seen := vectors[text]; seen {
			continue
		}
		vector, cached := e.cache.Get(text)
		if !cached {
			missing = append(missing, text)
		}
		vectors[text] = vector
	}
	for batch := range slices.Chunk(missing, e.maxBatch) {
		encoded, err := e.encodeTexts(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("encoding %d texts, the first %.60q: %w", len(batch), batch[0], err)
		}
		for i, text := range batch {
			vectors[text] = encoded[i]
			e.cache.Add(text, slices.Clone(encoded[i]))
		}
	}
	return inOrder(texts, vectors), nil
}

// inOrder gives every caller vectors of its own, which it may change.
func inOrder(texts []string, vectors map[string][]float32) [][]float32 {
	ordered := make([][]float32, len(texts))
	for i, text := range texts {
		ordered[i] = slices.Clone(vectors[text])
	}
	return ordered
}

func (e *Encoder) encodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	length := int(e.config.Text.Length)
	ids := make([]int64, 0, len(texts)*length)
	for _, text := range texts {
		row := e.tokens.Encode(text, length)
		if largest := slices.Max(row); largest >= e.config.Text.Vocabulary {
			return nil, fmt.Errorf("tokenizer.json gives token %d, but config.json has vocab_size %d: the files belong to different models",
				largest, e.config.Text.Vocabulary)
		}
		ids = append(ids, row...)
	}
	return e.text.run(ctx, ort.Ints(ids, int64(len(texts)), int64(length)))
}
