package encoder

import (
	"context"
	"fmt"
	"slices"
)

// EncodeTexts returns one unit vector of Dimension numbers for each text, in
// order. No texts give no vectors. Vectors of recent texts are remembered, and
// what several callers ask for at the same time is encoded together.
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
	// One batch at a time: a caller with thousands of texts must not keep others
	// waiting.
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
	rows := make([][]int64, len(texts))
	for i, text := range texts {
		rows[i] = e.tokens.Encode(text, e.length)
		if err := e.text.check(rows[i]); err != nil {
			return nil, err
		}
	}
	return e.queue.encode(ctx, rows)
}
