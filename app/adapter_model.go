package main

import (
	"context"
	"errors"
	"fmt"
	"image"

	"polylens/app/rollout"
	"polylens/encoder"
	"polylens/encoder/preprocess"
	"polylens/indexer"
)

// openRollout opens the model in use, which is closed with the program.
func (p *program) openRollout(ctx context.Context) (*rollout.Rollout, error) {
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return nil, err
	}
	model, err := p.openModel(ctx, p.globals.Model)
	if err != nil {
		return nil, err
	}
	options := rollout.Options{Data: p.globals.Data, Choice: choice, Open: p.load, There: p.isThere, Log: p.log}
	if p.globals.named {
		options.Named = p.globals.Model
	}
	models := rollout.New(loadedModel{model}, options)
	p.later(models.Close)
	return models, nil
}

// isThere reports whether there is a model with a name.
func (p *program) isThere(name string) bool {
	_, err := p.findModel(name)
	return err == nil
}

// load opens a model far enough that the first query need not wait for it.
func (p *program) load(ctx context.Context, name string) (rollout.Model, error) {
	model, err := p.openModel(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := model.Load(true, false); err != nil {
		return nil, errors.Join(err, model.Close())
	}
	return loadedModel{model}, nil
}

// loadedModel is an encoder as a rollout.Model.
type loadedModel struct{ *encoder.Encoder }

// WithMaxPatches implements rollout.Model.
func (m loadedModel) WithMaxPatches(maxPatches int) (rollout.Model, error) {
	view, err := m.Encoder.WithMaxPatches(maxPatches)
	return loadedModel{view}, err
}

// Preprocess implements rollout.Model.
func (m loadedModel) Preprocess(picture image.Image) (indexer.Pixels, error) {
	return m.Encoder.Preprocess(picture)
}

// PictureSize lets the indexer decode no more of a picture than Preprocess
// looks at.
func (m loadedModel) PictureSize(width, height int) (scaledWidth, scaledHeight int) {
	return m.Target(width, height)
}

// EncodePixels implements rollout.Model.
func (m loadedModel) EncodePixels(ctx context.Context, pixels []indexer.Pixels) ([][]float32, error) {
	pictures := make([]preprocess.Pixels, len(pixels))
	for i, p := range pixels {
		picture, ok := p.(preprocess.Pixels)
		if !ok {
			return nil, fmt.Errorf("pixels of type %T come from another encoder", p)
		}
		pictures[i] = picture
	}
	return m.Encoder.EncodePixels(ctx, pictures)
}
