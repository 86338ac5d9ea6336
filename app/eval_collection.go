package main

import (
	"context"
	"fmt"
	"path"

	"polylens/app/cldr"
	"polylens/app/judge"
	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// collectionMaterial takes vectors from the catalogue, which has made them for
// search.
func (c *evalCommand) collectionMaterial(ctx context.Context, p *program) (*evalMaterial, error) {
	instance, _, err := hold(p.globals.Data, "eval")
	if err != nil {
		return nil, err
	}
	p.later(instance.release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return nil, err
	}
	images, err := parts.allImages(ctx, c.Collection)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("collection %q has no pictures: index some first", c.Collection)
	}
	material := &evalMaterial{Material: judge.Material{Languages: c.Languages}, encoder: parts.encoder()}
	if len(material.Languages) == 0 {
		material.Languages = cldr.Crossmodal3600
	}
	if material.Vectors, err = parts.vectorsOf(ctx, c.Collection, images); err != nil {
		return nil, err
	}
	for _, image := range images {
		material.Add(path.Base(image.URI), rollout.TextsOf(image.Captions), data.TextsIn(image.Metadata, c.Label))
	}
	if c.ThroughIndex {
		if err := parts.connect(ctx); err != nil {
			return nil, err
		}
		material.rank = parts.ranker(c.Collection, images)
	}
	return material, nil
}

// allImages lists a whole collection, with captions.
func (x *parts) allImages(ctx context.Context, collection string) ([]catalog.Image, error) {
	if _, err := x.store.Collection(ctx, collection); err != nil {
		return nil, err
	}
	var all []catalog.Image
	for cursor := ""; ; {
		images, next, err := x.store.ListImages(ctx, collection, cursor, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, images...)
		if cursor = next; next == "" {
			return all, nil
		}
	}
}

// vectorsOf are those that searches of the collection use.
func (x *parts) vectorsOf(ctx context.Context, collection string, images []catalog.Image) ([][]float32, error) {
	found, err := x.store.UncountedCollection(ctx, collection)
	if err != nil {
		return nil, err
	}
	view, err := x.rollout.View(found)
	if err != nil {
		return nil, err
	}
	vectors := make([][]float32, len(images))
	for i, image := range images {
		vectors[i], err = x.store.Vector(ctx, found.ID, image.ID, view.PictureFingerprint())
		if err != nil {
			return nil, fmt.Errorf("collection %q was not indexed with this model, index it again: %w", collection, err)
		}
	}
	return vectors, nil
}

// ranker asks the index as a search does.
func (x *parts) ranker(collection string, images []catalog.Image) evaluate.TextRanker {
	service := search.New(x.index, x.store, x.rollout.SearchEncoder())
	return func(ctx context.Context, texts []string, relevant [][]int) ([]int, error) {
		judgements := make([]search.Judgement, len(texts))
		for i, text := range texts {
			judgements[i].Text = text
			for _, place := range relevant[i] {
				judgements[i].Accept = append(judgements[i].Accept, images[place].ID)
			}
		}
		return service.Ranks(ctx, collection, judgements)
	}
}
