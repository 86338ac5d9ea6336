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
func (ix *Indexer) encoderGiving(known catalog.Collection) (Encoder, error) {
	several, ok := ix.encoder.(giver)
	if !ok {
		return ix.encoderNext(known)
	}
	model, err := several.Giving(known.Fingerprint, known.MaxPatches)
	return model, ofPatches(known, err)
}

// encoderNext is the model that folders are indexed with, which may be the next one.
func (ix *Indexer) encoderNext(known catalog.Collection) (Encoder, error) {
	model, err := ix.encoder.For(known.MaxPatches)
	return model, ofPatches(known, err)
}

func ofPatches(known catalog.Collection, err error) error {
	if err != nil {
		return fmt.Errorf("model for at most %d patches: %w", known.MaxPatches, err)
	}
	return nil
}

// encoderFor is the model that a collection is encoded with.
func (d *destination) encoderFor(known catalog.Collection) (Encoder, error) {
	if d.giving {
		return d.encoderGiving(known)
	}
	return d.encoderNext(known)
}
