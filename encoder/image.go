package encoder

import (
	"context"
	"fmt"
	"image"
	"slices"

	"polylens/encoder/preprocess"
)

// Preprocess resizes and normalizes a picture as the model was trained. It keeps
// nothing of the picture.
func (e *Encoder) Preprocess(picture image.Image) (preprocess.Pixels, error) {
	return e.pixels.Process(picture)
}

// Target is the size in pixels that a picture of the given size is resized to.
// Whoever decodes pictures may reduce them on the way, but not below it.
func (e *Encoder) Target(width, height int) (int, int) { return e.pixels.Target(width, height) }

// EncodePixels returns one unit vector of Dimension numbers for each result of
// Preprocess, in order. No pictures give no vectors.
func (e *Encoder) EncodePixels(ctx context.Context, pictures []preprocess.Pixels) ([][]float32, error) {
	for i, picture := range pictures {
		if err := e.checkPixels(picture); err != nil {
			return nil, fmt.Errorf("picture %d %w: use Preprocess", i, err)
		}
	}
	vectors := make([][]float32, 0, len(pictures))
	for batch := range slices.Chunk(pictures, e.maxBatch) {
		encoded, err := e.vision.encode(ctx, batch)
		if err != nil {
			return nil, fmt.Errorf("encoding pictures %d to %d: %w", len(vectors), len(vectors)+len(batch)-1, err)
		}
		vectors = append(vectors, encoded...)
	}
	return vectors, nil
}

// VisionFLOPs is how many floating point operations the vision tower takes for
// a result of Preprocess, counted as by siglip2.Config.VisionFLOPs. It is 0, for
// unknown, where no config.json describes the towers, as in Immich's layout.
func (e *Encoder) VisionFLOPs(picture preprocess.Pixels) int64 {
	switch {
	case e.config == nil:
		return 0
	case e.pixels.Variable():
		return e.config.VisionFLOPs(int64(picture.Rows * picture.Columns))
	}
	return e.config.VisionFLOPs(e.config.Vision.Patches())
}

func (e *Encoder) checkPixels(picture preprocess.Pixels) error {
	height, width := e.pixels.Size()
	want := 3 * height * width
	if e.pixels.Variable() {
		patches := picture.Rows * picture.Columns
		if picture.Rows < 1 || picture.Columns < 1 || patches > e.pixels.MaxPatches() {
			return fmt.Errorf("has %d x %d patches, the model takes up to %d", picture.Rows, picture.Columns, e.pixels.MaxPatches())
		}
		want = 3 * patches * e.pixels.PatchSize() * e.pixels.PatchSize()
	}
	if len(picture.Values) != want {
		return fmt.Errorf("has %d numbers, the model takes %d", len(picture.Values), want)
	}
	return nil
}

// EncodeImages preprocesses and encodes pictures.
func (e *Encoder) EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error) {
	pixels := make([]preprocess.Pixels, len(pictures))
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

// Dense is what the vision tower knows of each patch of one picture.
type Dense struct {
	Rows, Columns int       // of the grid of patches
	Width         int       // numbers for each patch
	States        []float32 // the last hidden state, [Rows*Columns, Width], row by row
	Embedding     []float32 // of the whole picture, a unit vector
}

// EncodeDense encodes one picture and keeps the state of each of its patches,
// from which heat-maps and the places of things can be read.
func (e *Encoder) EncodeDense(ctx context.Context, picture image.Image) (Dense, error) {
	pixels, err := e.Preprocess(picture)
	if err != nil {
		return Dense{}, err
	}
	return e.vision.dense(ctx, pixels)
}
