package encoder

import (
	"context"

	"polylens/encoder/preprocess"
)

// EncodeTogether encodes pictures with all threads together, where EncodePixels would
// spread them. spread is false for a model that is not spread.
func EncodeTogether(ctx context.Context, e *Encoder, pictures []preprocess.Pixels) (vectors [][]float32, spread bool, err error) {
	tower, spread := e.vision.(*spreadVision)
	if !spread {
		return nil, false, nil
	}
	vectors, err = tower.visionTower.encode(ctx, pictures)
	return vectors, true, err
}
