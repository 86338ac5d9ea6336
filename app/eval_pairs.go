package main

import (
	"context"
	"errors"
	"fmt"

	"polylens/app/judge"
	"polylens/trainer/data/inspect"
)

// pairsMaterial encodes pictures that are in no collection.
func (c *evalCommand) pairsMaterial(ctx context.Context, p *program) (*evalMaterial, error) {
	pictures, languages, err := p.pairsFrom(ctx, c.Pairs, c.Label)
	if err != nil {
		return nil, err
	}
	if len(c.Languages) > 0 {
		languages = c.Languages
	}
	viewer, err := p.viewer()
	if err != nil {
		return nil, err
	}
	if pictures, err = c.usable(ctx, viewer, pictures); err != nil {
		return nil, fmt.Errorf("pairs in %s: %w", c.Pairs, err)
	}
	model, err := p.openEncoder(ctx)
	if err != nil {
		return nil, err
	}
	read, vectors, err := viewer.Encode(ctx, pictures, model.Target, model)
	if err != nil {
		return nil, err
	}
	return &evalMaterial{Material: judge.NewMaterial(read, vectors[0], languages), encoder: model}, nil
}

// usable are the pictures that something is said of, of the part that was asked for.
func (c *evalCommand) usable(ctx context.Context, viewer judge.Viewer, pictures []judge.Picture) ([]judge.Picture, error) {
	var parts []inspect.Part // of each picture, unless all are asked for
	if c.Split != "" {
		var err error
		if parts, err = viewer.Split(ctx, pictures, c.SplitSeed, c.shares()); err != nil {
			return nil, err
		}
	}
	var usable []judge.Picture
	for i, picture := range pictures {
		if len(picture.Texts)+len(picture.Labels) > 0 && (c.Split == "" || parts[i].String() == c.Split) {
			usable = append(usable, picture)
		}
	}
	switch {
	case len(usable) > 0:
		return usable, nil
	case c.Split != "":
		return nil, fmt.Errorf("no picture with a text or a label is in the part %q of %d pictures", c.Split, len(pictures))
	}
	return nil, errors.New("no picture has a text or a label")
}

// shares of the parts; check has seen that there are two.
func (c *evalCommand) shares() inspect.Shares {
	return inspect.Shares{Validation: c.SplitShares[0], Test: c.SplitShares[1]}
}
