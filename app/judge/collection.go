package judge

import (
	"context"
	"fmt"
	"path"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// Catalog is what is needed of the catalogue; *database.Store is one.
type Catalog interface {
	data.Catalog
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Vector(ctx context.Context, collection catalog.CollectionID, image, fingerprint string) ([]float32, error)
}

// Collection is the pictures of a collection, with the vectors that searches use.
type Collection struct {
	Name    string
	Images  []catalog.Image
	Vectors [][]float32
}

// page is how many images are asked for together.
const page = 1000

// ReadCollection reads a whole collection. fingerprint is the fingerprint of the
// vectors that searches of the collection use.
func ReadCollection(ctx context.Context, from Catalog, name string, fingerprint func(catalog.Collection) (string, error)) (Collection, error) {
	c := Collection{Name: name}
	found, err := from.Collection(ctx, name)
	if err != nil {
		return c, err
	}
	if c.Images, err = allImages(ctx, from, name); err != nil {
		return c, err
	}
	if len(c.Images) == 0 {
		return c, fmt.Errorf("collection %q has no pictures: index some first", name)
	}
	searched, err := fingerprint(found)
	if err != nil {
		return c, err
	}
	for _, image := range c.Images {
		vector, err := from.Vector(ctx, found.ID, image.ID, searched)
		if err != nil {
			return c, fmt.Errorf("collection %q was not indexed with this model, index it again: %w", name, err)
		}
		c.Vectors = append(c.Vectors, vector)
	}
	return c, nil
}

func allImages(ctx context.Context, from Catalog, collection string) (all []catalog.Image, err error) {
	for cursor := ""; ; {
		images, next, err := from.ListImages(ctx, collection, cursor, page)
		if err != nil {
			return nil, err
		}
		all = append(all, images...)
		if cursor = next; next == "" {
			return all, nil
		}
	}
}

// Material is what is known of the pictures, in the given languages, nil for all. Their
// classes are in the metadata field that label names.
func (c Collection) Material(label string, languages []string) Material {
	material := Material{Vectors: c.Vectors, Languages: languages}
	for _, image := range c.Images {
		material.Add(path.Base(image.URI), TextsOf(image.Captions), data.TextsIn(image.Metadata, label))
	}
	return material
}

// Ranker ranks the pictures as a search does; *search.Service is one.
type Ranker interface {
	Ranks(ctx context.Context, collection string, judgements []search.Judgement) ([]int, error)
}

// Ranked asks a search for the ranks of the pictures.
func (c Collection) Ranked(by Ranker) evaluate.TextRanker {
	return func(ctx context.Context, texts []string, relevant [][]int) ([]int, error) {
		judgements := make([]search.Judgement, len(texts))
		for i, text := range texts {
			judgements[i].Text = text
			for _, place := range relevant[i] {
				judgements[i].Accept = append(judgements[i].Accept, c.Images[place].ID)
			}
		}
		return by.Ranks(ctx, c.Name, judgements)
	}
}

// TextsOf converts captions into the form that evaluation takes.
func TextsOf(captions []catalog.Caption) []evaluate.Text {
	texts := make([]evaluate.Text, len(captions))
	for i, caption := range captions {
		texts[i] = evaluate.Text(caption)
	}
	return texts
}
