package encoder

import (
	"context"
	"fmt"
	"image"
	"slices"

	"polylens/encoder/ort"
)

// Preprocess resizes and normalises a picture as the model was trained:
// [3, ImageSize, ImageSize], planes of red, green and blue.
func (e *Encoder) Preprocess(picture image.Image) ([]float32, error) {
	return e.pixels.Pixels(picture)
}

// EncodePixels returns one unit vector of Dimension numbers for each result of
// Preprocess, in order. No pictures give no vectors.
func (e *Encoder) EncodePixels(ctx context.Context, pictures [][]float32) ([][]float32, error) {
	want := 3 * e.ImageSize() * e.ImageSize()
	for i, picture := range pictures {
		if len(picture) != want {
			return nil, fmt.Errorf("picture %d has %d numbers, the model takes 3 x %d x %d = %d: use Preprocess",
				i, len(picture), e.ImageSize(), e.ImageSize(), want)
		}
	}
	vectors := make([][]float32, 0, len(pictures))
	for batch := range slices.Chunk(pictures, e.maxBatch) {
		encoded, err := e.encodeBatch(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("encoding pictures %d to %d: %w", len(vectors), len(vectors)+len(batch)-1, err)
		}
		vectors = append(vectors, encoded...)
	}
	return vectors, nil
}

func (e *Encoder) encodeBatch(ctx context.Context, pictures [][]float32) ([][]float32, error) {
	side := int64(e.ImageSize())
	return e.vision.run(ctx, ort.Floats(slices.Concat(pictures...), int64(len(pictures)), 3, side, side))
}

// EncodeImages preprocesses and encodes pictures.
func (e *Encoder) EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error) {
	pixels := make([][]float32, len(pictures))
	for i, picture := range pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if pixels[i], err = e.Preprocess(picture); err != nil {
			return nil, fmt.Errorf("preprocessing picture %d: %w", i, err)
		}
	}
	return e.EncodePixels(ctx, pixels)
}
