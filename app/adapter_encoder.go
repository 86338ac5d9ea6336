package main

import (
	"context"
	"fmt"
	"image"
	"sync"

	"polylens/encoder"
	"polylens/encoder/preprocess"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search"
)

// views are a loaded model as collections see it: of a NaFlex model each has
// its own choice of how many patches a picture is cut into at most.
type views struct {
	model *encoder.Encoder

	mu      sync.Mutex
	made    map[int]*encoder.Encoder // by the choice
	users   int                      // that compute with it now
	retired bool                     // to be closed by its last user
}

func newViews(model *encoder.Encoder) *views {
	return &views{model: model, made: make(map[int]*encoder.Encoder)}
}

// of is the model for a collection that chose maxPatches, 0 for the model's
// own number. A model of fixed resolution is its only view: what was chosen with
// another model waits for such a one to return.
func (v *views) of(maxPatches int) (*encoder.Encoder, error) {
	if maxPatches == 0 || v.model.MaxPatches() == 0 {
		return v.model, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if view := v.made[maxPatches]; view != nil {
		return view, nil
	}
	view, err := v.model.WithMaxPatches(maxPatches)
	if err == nil {
		v.made[maxPatches] = view
	}
	return view, err
}

// searches tells whether the vectors that searches of a collection use are
// those of this model.
func (v *views) searches(collection catalog.Collection) bool {
	view, err := v.of(collection.SearchedMaxPatches)
	return err == nil && collection.Fingerprint == view.PictureFingerprint()
}

// knows tells whether a picture fingerprint is that of a view that was asked for.
func (v *views) knows(fingerprint string) bool {
	if fingerprint == v.model.PictureFingerprint() {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, view := range v.made {
		if fingerprint == view.PictureFingerprint() {
			return true
		}
	}
	return false
}

// searchEncoder is a view of the model as search wants it. Searches ask only
// for the vectors of pictures, whatever made them.
type searchEncoder struct {
	*encoder.Encoder
	models *models
}

// Fingerprint implements search.Encoder.
func (e searchEncoder) Fingerprint() string { return e.PictureFingerprint() }

// For implements search.Encoder, with the model of the moment.
func (e searchEncoder) For(maxPatches int) (search.Encoder, error) {
	view, err := e.models.now().of(maxPatches)
	return searchEncoder{view, e.models}, err
}

// indexerEncoder is a view of the model as the indexer wants it.
type indexerEncoder struct {
	*encoder.Encoder
	models *models
	chosen int // most patches
}

// Fingerprint implements indexer.Encoder.
func (e indexerEncoder) Fingerprint() string { return e.PictureFingerprint() }

// For implements indexer.Encoder, with the model of the moment.
func (e indexerEncoder) For(maxPatches int) (indexer.Encoder, error) {
	view, err := e.models.indexing().of(maxPatches)
	return indexerEncoder{view, e.models, maxPatches}, err
}

// indexerModels is the model of the moment as the indexer wants it.
type indexerModels struct{ indexerEncoder }

// MaxPatches implements indexer.Encoder.
func (e indexerModels) MaxPatches() int { return e.models.indexing().model.MaxPatches() }

// Preprocess implements indexer.Encoder.
func (e indexerEncoder) Preprocess(picture image.Image) (indexer.Pixels, error) {
	return e.Encoder.Preprocess(picture)
}

// PictureSize lets the indexer decode no more of a picture than Preprocess
// looks at.
func (e indexerEncoder) PictureSize(width, height int) (scaledWidth, scaledHeight int) {
	return e.Target(width, height)
}

// EncodePixels implements indexer.Encoder. The model may have been replaced
// since; any with the same vision tower does.
func (e indexerEncoder) EncodePixels(ctx context.Context, pixels []indexer.Pixels) ([][]float32, error) {
	pictures := make([]preprocess.Pixels, len(pixels))
	for i, p := range pixels {
		picture, ok := p.(preprocess.Pixels)
		if !ok {
			return nil, fmt.Errorf("pixels of type %T come from another encoder", p)
		}
		pictures[i] = picture
	}
	model, done, err := e.models.borrow(e.PictureFingerprint(), e.chosen)
	if err != nil {
		return nil, err
	}
	defer done()
	return model.EncodePixels(ctx, pictures)
}
