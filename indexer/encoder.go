package indexer

import (
	"context"
	"image"
)

// Pixels are what an Encoder makes of a picture. Only the Encoder that made
// them knows how to read them.
type Pixels any

// Encoder turns pictures into vectors. Its methods may be called from several
// goroutines at once.
type Encoder interface {
	// MaxPatches is the most patches that a picture is cut into, 0 when the
	// model leaves no choice: it sees every picture at one resolution.
	MaxPatches() int
	// For returns the model with another MaxPatches, 0 for the model's own. It
	// has its own Fingerprint and the same Dimension. A model that leaves no
	// choice returns itself, whatever the number.
	For(maxPatches int) (Encoder, error)
	// Fingerprint identifies weights and preprocessing: equal fingerprints
	// give equal vectors for equal pictures.
	Fingerprint() string
	// Dimension is the length of every vector.
	Dimension() int
	// Preprocess makes the pixels that EncodePixels takes. It keeps nothing of
	// the picture.
	Preprocess(picture image.Image) (Pixels, error)
	// EncodePixels returns one unit vector for each of a batch of preprocessed
	// pictures, in their order.
	EncodePixels(ctx context.Context, pixels []Pixels) ([][]float32, error)
}
