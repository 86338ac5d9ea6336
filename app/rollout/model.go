package rollout

import (
	"context"
	"image"

	"polylens/indexer"
)

// Model is a loaded model; an *encoder.Encoder is nearly one.
type Model interface {
	// Fingerprint identifies the model, PictureFingerprint everything that the vectors
	// of pictures depend on.
	Fingerprint() string
	PictureFingerprint() string
	Dimension() int
	// MaxPatches is the model's own number, 0 if it leaves no choice.
	MaxPatches() int
	// WithMaxPatches returns a view of the model that cuts pictures into at most so
	// many patches. It is closed with the model.
	WithMaxPatches(maxPatches int) (Model, error)
	EncodeTexts(ctx context.Context, texts []string) ([][]float32, error)
	EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error)
	Preprocess(picture image.Image) (indexer.Pixels, error)
	PictureSize(width, height int) (scaledWidth, scaledHeight int)
	EncodePixels(ctx context.Context, pixels []indexer.Pixels) ([][]float32, error)
	Close() error
}
