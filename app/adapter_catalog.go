package main

import (
	"context"
	"errors"
	"fmt"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/search"
	"polylens/web"
)

// translated makes an error of the catalogue one that search and web know. A
// missing row is what the caller says.
func translated(err, missing error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrNotFound):
		return missing // the callers in search and web add the name
	case errors.Is(err, catalog.ErrConflict):
		return fmt.Errorf("%w: %w", web.ErrConflict, err)
	case errors.Is(err, catalog.ErrInvalid):
		return fmt.Errorf("%w: %w", web.ErrInvalid, err)
	}
	return err
}

// searchCatalog shows the catalogue to search.
type searchCatalog struct {
	store *database.Store
	// counted tells how many images a collection has. Counting 100,000 rows
	// takes longer than finding the nearest, so a search does without.
	counted bool
}

// Collection implements search.Catalog.
func (c searchCatalog) Collection(ctx context.Context, name string) (search.Collection, error) {
	read := c.store.UncountedCollection
	if c.counted {
		read = c.store.Collection
	}
	found, err := read(ctx, name)
	if err != nil {
		return search.Collection{}, translated(err, search.ErrCollectionNotFound)
	}
	return search.Collection{
		Name: found.Name, Fingerprint: found.Fingerprint, MaxPatches: found.SearchedMaxPatches, Images: found.Images,
	}, nil
}

// Images implements search.Catalog.
func (c searchCatalog) Images(ctx context.Context, collection string, ids []string) (map[string]search.Image, error) {
	found, err := c.store.Images(ctx, collection, ids)
	if err != nil {
		return nil, err
	}
	images := make(map[string]search.Image, len(found))
	for id, image := range found {
		images[id] = newSearchImage(image)
	}
	return images, nil
}

// Vector implements search.Catalog.
func (c searchCatalog) Vector(ctx context.Context, collection, id, fingerprint string) ([]float32, error) {
	if _, err := imageOf(ctx, c.store, collection, id); err != nil {
		return nil, err
	}
	vector, err := c.store.Vector(ctx, id, fingerprint)
	return vector, translated(err, search.ErrImageNotFound)
}

// imageOf finds an image only in the collection that it is asked of.
func imageOf(ctx context.Context, store *database.Store, collection, id string) (catalog.Image, error) {
	image, err := store.Image(ctx, id)
	if err == nil && image.Collection != collection {
		err = catalog.ErrNotFound
	}
	return image, translated(err, search.ErrImageNotFound)
}

func newSearchImage(image catalog.Image) search.Image {
	captions := make([]search.Caption, len(image.Captions))
	for i, caption := range image.Captions {
		captions[i] = search.Caption(caption)
	}
	return search.Image{ID: image.ID, URI: image.URI, Metadata: image.Metadata, Captions: captions,
		Width: image.Width, Height: image.Height, Color: image.Color}
}

// webCatalog shows the catalogue to web. Removals go through the indexer,
// which keeps the index in step.
type webCatalog struct {
	store   *database.Store
	indexer *indexer.Indexer
	models  *models
}

// Collections implements web.Catalog.
func (c webCatalog) Collections(ctx context.Context) ([]web.Collection, error) {
	found, err := c.store.Collections(ctx)
	if err != nil {
		return nil, err
	}
	collections := make([]web.Collection, len(found))
	for i, collection := range found {
		collections[i] = c.collection(collection)
	}
	return collections, nil
}

// Collection implements web.Catalog.
func (c webCatalog) Collection(ctx context.Context, name string) (web.Collection, error) {
	found, err := c.store.Collection(ctx, name)
	return c.collection(found), translated(err, search.ErrCollectionNotFound)
}

// CreateCollection implements web.Catalog.
func (c webCatalog) CreateCollection(ctx context.Context, name string, maxPatches int) (web.Collection, error) {
	if err := c.indexer.CheckMaxPatches(maxPatches); err != nil {
		return web.Collection{}, translated(err, web.ErrNotFound)
	}
	created, err := c.store.CreateCollection(ctx, name, maxPatches)
	return c.collection(created), translated(err, web.ErrNotFound)
}

// DeleteCollection implements web.Catalog.
func (c webCatalog) DeleteCollection(ctx context.Context, name string) error {
	return translated(c.indexer.DeleteCollection(ctx, name), search.ErrCollectionNotFound)
}

// Images implements web.Catalog.
func (c webCatalog) Images(ctx context.Context, collection, cursor string, limit int) ([]search.Image, string, error) {
	if _, err := c.store.Collection(ctx, collection); err != nil {
		return nil, "", translated(err, search.ErrCollectionNotFound)
	}
	found, next, err := c.store.ListImages(ctx, collection, cursor, limit)
	if err != nil {
		return nil, "", translated(err, web.ErrNotFound)
	}
	images := make([]search.Image, len(found))
	for i, image := range found {
		images[i] = newSearchImage(image)
	}
	return images, next, nil
}

// Image implements web.Catalog.
func (c webCatalog) Image(ctx context.Context, collection, id string) (search.Image, error) {
	image, err := imageOf(ctx, c.store, collection, id)
	return newSearchImage(image), err
}

func (c webCatalog) collection(found catalog.Collection) web.Collection {
	return web.Collection{Name: found.Name, Images: found.Images, Model: found.Fingerprint, Created: found.Created,
		Searchable: c.models.now().searches(found), MaxNumPatches: found.MaxPatches}
}
