package main

import (
	"context"
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
	if pictures, err = c.part(ctx, viewer, pictures); err != nil {
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

// part returns the described pictures of the part that was asked for.
func (c *evalCommand) part(ctx context.Context, viewer judge.Viewer, pictures []judge.Picture) ([]judge.Picture, error) {
	if c.Split == "" {
		return judge.Described(pictures)
	}
	return viewer.DescribedPart(ctx, pictures, c.Split, c.SplitSeed, c.shares())
}

// shares of the parts; check has seen that there are two.
func (c *evalCommand) shares() inspect.Shares {
	return inspect.Shares{Validation: c.SplitShares[0], Test: c.SplitShares[1]}
}
