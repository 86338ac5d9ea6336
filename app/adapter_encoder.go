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

// views are the loaded model as collections see it: of a NaFlex model each has
// its own choice of how many patches a picture is cut into at most.
type views struct {
	model *encoder.Encoder

	mu   sync.Mutex
	made map[int]*encoder.Encoder // by the choice
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
// those of the loaded model.
func (v *views) searches(collection catalog.Collection) bool {
	view, err := v.of(collection.SearchedMaxPatches)
	return err == nil && collection.Fingerprint == view.Fingerprint()
}

// knows tells whether a fingerprint is that of a view that was asked for.
func (v *views) knows(fingerprint string) bool {
	if fingerprint == v.model.Fingerprint() {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, view := range v.made {
		if fingerprint == view.Fingerprint() {
			return true
		}
	}
	return false
}

// searchEncoder is a view of the model as search wants it.
type searchEncoder struct {
	*encoder.Encoder
	views *views
}

// For implements search.Encoder.
func (e searchEncoder) For(maxPatches int) (search.Encoder, error) {
	view, err := e.views.of(maxPatches)
	return searchEncoder{view, e.views}, err
}

// indexerEncoder is a view of the model as the indexer wants it.
type indexerEncoder struct {
	*encoder.Encoder
	views *views
}

// For implements indexer.Encoder.
func (e indexerEncoder) For(maxPatches int) (indexer.Encoder, error) {
	view, err := e.views.of(maxPatches)
	return indexerEncoder{view, e.views}, err
}

// Preprocess implements indexer.Encoder.
func (e indexerEncoder) Preprocess(picture image.Image) (indexer.Pixels, error) {
	return e.Encoder.Preprocess(picture)
}

// PictureSize lets the indexer decode no more of a picture than Preprocess
// looks at.
func (e indexerEncoder) PictureSize(width, height int) (scaledWidth, scaledHeight int) {
	return e.Target(width, height)
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
