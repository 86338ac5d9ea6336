package indexer

import (
	"context"
	"errors"
	"fmt"
	"image"

	"polylens/indexer/catalog"
)

// Pixels are what an Encoder makes of a picture. Only the Encoder that made
// them knows how to read them.
type Pixels any

// Encoder turns pictures into vectors. Its methods may be called from several
// goroutines at once.
//
// An Encoder with several models is also a giver.
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

// giver is an Encoder with several models: while collections are encoded for the next one,
// searches use the one before.
type giver interface {
	// Giving returns the model that gives vectors with a fingerprint, with so many patches
	// at most; for "", or one that no model has, the model that searches use.
	Giving(fingerprint string, maxPatches int) (Encoder, error)
}

// ErrReplaced is wrapped by the error of a model that was replaced while it was in use:
// what it was to do has to begin anew, with the model that took its place.
var ErrReplaced = errors.New("the model was replaced")

// encoderGiving is the model that gives the vectors which searches of a collection use, or
// those that they are to use if it has none yet.
func (ix *Indexer) encoderGiving(known catalog.Collection) (model Encoder, err error) {
	if several, ok := ix.encoder.(giver); ok {
		model, err = several.Giving(known.Fingerprint, known.MaxPatches)
	} else {
		model, err = ix.encoder.For(known.MaxPatches)
	}
	if err != nil {
		return nil, fmt.Errorf("model for at most %d patches: %w", known.MaxPatches, err)
	}
	return model, nil
}

// encoderFor is the model that a collection is encoded with: by runs over folders that of
// the Indexer, which may be the next one.
func (d *destination) encoderFor(known catalog.Collection) (model Encoder, err error) {
	if d.giving {
		return d.encoderGiving(known)
	}
	if model, err = d.Indexer.encoder.For(known.MaxPatches); err != nil {
		return nil, fmt.Errorf("model for at most %d patches: %w", known.MaxPatches, err)
	}
	return model, nil
}
