package rollout

import (
	"context"

	"polylens/indexer"
	"polylens/search"
)

// searchEncoder is a view of the model as search wants it. Searches only care about
// the vectors of pictures, whatever made them.
type searchEncoder struct {
	Model
	models *models
}

// Fingerprint implements search.Encoder.
func (e searchEncoder) Fingerprint() string { return e.PictureFingerprint() }

// For implements search.Encoder, with the present model.
func (e searchEncoder) For(maxPatches int) (search.Encoder, error) {
	view, err := e.models.now().of(maxPatches)
	return searchEncoder{view, e.models}, err
}

// indexerEncoder is a view of the model as the indexer wants it.
type indexerEncoder struct {
	Model
	models *models
	chosen int // most patches
}

// Fingerprint implements indexer.Encoder.
func (e indexerEncoder) Fingerprint() string { return e.PictureFingerprint() }

// For implements indexer.Encoder, with the present model.
func (e indexerEncoder) For(maxPatches int) (indexer.Encoder, error) {
	view, err := e.models.indexing().of(maxPatches)
	return indexerEncoder{view, e.models, maxPatches}, err
}

// Giving implements what package indexer asks of several models.
func (e indexerEncoder) Giving(fingerprint string, maxPatches int) (indexer.Encoder, error) {
	view, err := e.models.giving(fingerprint, maxPatches)
	return indexerEncoder{view, e.models, maxPatches}, err
}

// indexerModels is the present model as the indexer wants it.
type indexerModels struct{ indexerEncoder }

// MaxPatches implements indexer.Encoder.
func (e indexerModels) MaxPatches() int { return e.models.indexing().model.MaxPatches() }

// EncodePixels implements indexer.Encoder. The model may have been replaced
// since; any with the same vision tower does.
func (e indexerEncoder) EncodePixels(ctx context.Context, pixels []indexer.Pixels) ([][]float32, error) {
	model, done, err := e.models.borrow(e.PictureFingerprint(), e.chosen)
	if err != nil {
		return nil, err
	}
	defer done()
	return model.EncodePixels(ctx, pixels)
}
