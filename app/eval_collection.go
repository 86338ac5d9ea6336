package main

import (
	"context"

	"polylens/app/cldr"
	"polylens/app/judge"
	"polylens/indexer/catalog"
	"polylens/search"
)

// collectionMaterial takes vectors from the catalogue, where they are kept for
// searches.
func (c *evalCommand) collectionMaterial(ctx context.Context, p *program) (*evalMaterial, error) {
	hold, _, err := p.hold("eval")
	if err != nil {
		return nil, err
	}
	p.later(hold.Release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return nil, err
	}
	collection, err := judge.ReadCollection(ctx, parts.store, c.Collection, parts.pictureFingerprint)
	if err != nil {
		return nil, err
	}
	languages := c.Languages
	if len(languages) == 0 {
		languages = cldr.Crossmodal3600
	}
	material := &evalMaterial{Material: collection.Material(c.Label, languages), encoder: parts.encoder()}
	if c.ThroughIndex {
		if err := parts.connect(ctx); err != nil {
			return nil, err
		}
		material.rank = collection.Ranked(search.New(parts.index, parts.store, parts.rollout.SearchEncoder()))
	}
	return material, nil
}

// pictureFingerprint is the fingerprint of the vectors that searches of a collection use.
func (x *parts) pictureFingerprint(collection catalog.Collection) (string, error) {
	view, err := x.rollout.View(collection)
	if err != nil {
		return "", err
	}
	return view.PictureFingerprint(), nil
}
