package main

import (
	"context"
	"fmt"
	"image"

	"polylens/encoder"
	"polylens/encoder/preprocess"
	"polylens/indexer"
)

// indexerEncoder is the model as the indexer wants it.
type indexerEncoder struct{ *encoder.Encoder }

// Preprocess implements indexer.Encoder.
func (e indexerEncoder) Preprocess(picture image.Image) (indexer.Pixels, error) {
	return e.Encoder.Preprocess(picture)
}

// EncodePixels implements indexer.Encoder.
func (e indexerEncoder) EncodePixels(ctx context.Context, pixels []indexer.Pixels) ([][]float32, error) {
	pictures := make([]preprocess.Pixels, len(pixels))
	for i, p := range pixels {
		picture, ok := p.(preprocess.Pixels)
		if !ok {
			return nil, fmt.Errorf("pixels of type %T come from another encoder", p)
		}
		pictures[i] = picture
	}
	return e.Encoder.EncodePixels(ctx, pictures)
}
