package indexer

import (
	"context"
	"image"
)

// Encoder turns pictures into vectors. Its methods may be called from several
// goroutines at once.
type Encoder interface {
	// Fingerprint identifies weights and preprocessing: equal fingerprints
	// give equal vectors for equal pictures.
	Fingerprint() string
	// Dimension is the length of every vector.
	Dimension() int
	// Preprocess makes the pixels that EncodePixels takes. It keeps nothing of
	// the picture.
	Preprocess(picture image.Image) ([]float32, error)
	// EncodePixels gives one unit vector for each of a batch of preprocessed
	// pictures, in their order.
	EncodePixels(ctx context.Context, pixels [][]float32) ([][]float32, error)
}
