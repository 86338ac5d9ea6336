package search

import (
	"context"
	"errors"
	"fmt"
	"image"

	"polylens/indexer/catalog"
)

// Encoder turns queries into unit vectors of the space that a collection was
// indexed in.
type Encoder interface {
	// Fingerprint identifies the model: weights, tokenizer and preprocessing.
	Fingerprint() string
	// Dimension is the length of every vector.
	Dimension() int
	// EncodeTexts returns one unit vector for each text, in order.
	EncodeTexts(ctx context.Context, texts []string) ([][]float32, error)
	// EncodeImages returns one unit vector for each picture, in order.
	EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error)
	// For returns the model as it sees pictures cut into at most maxPatches patches,
	// 0 for its own number. It differs in Fingerprint and in the vectors of pictures;
	// a model that leaves no choice returns itself.
	For(maxPatches int) (Encoder, error)
}

// Catalog knows what the index does not: names, places and metadata.
// *database.Store is one. Its errors name what was not found.
type Catalog interface {
	// Collection answers a collection with its counts, or
	// catalog.ErrCollectionNotFound. Only Ranks asks: counting takes longer than
	// finding the nearest.
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	// UncountedCollection is Collection without the counts.
	UncountedCollection(ctx context.Context, name string) (catalog.Collection, error)
	// Images returns those of ids that exist, by ID.
	Images(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]catalog.Image, error)
	// Contents returns the SHA-256 of the files of those of ids that exist, by ID.
	Contents(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]string, error)
	// MetadataWith returns the metadata of up to limit images that have every one of
	// keys in it, in whatever order and depth, and whether these are all.
	MetadataWith(ctx context.Context, collection catalog.CollectionID, keys []string, limit int) (metadata []map[string]any, all bool, err error)
	// Vector returns the stored vector of one image, or catalog.ErrImageNotFound
	// when there is none by this model.
	Vector(ctx context.Context, collection catalog.CollectionID, id, fingerprint string) ([]float32, error)
}

// Service answers queries by joining the encoder, the index and the catalogue. It is
// safe for concurrent use.
type Service struct {
	index   Index
	catalog Catalog
	encoder Encoder
	fields  knownFields
}

// New returns a service over its three parts, none of which may be nil.
func New(index Index, catalog Catalog, encoder Encoder) *Service {
	return &Service{index: index, catalog: catalog, encoder: encoder}
}

// ByText finds the images that text describes, in any language the model knows.
func (s *Service) ByText(ctx context.Context, collection, text string, options Options) (Results, error) {
	text, err := cleanText(text)
	if err != nil {
		return Results{}, err
	}
	identify := func(h hasher) { h.add("text", text) }
	return s.answer(ctx, collection, options, identify, func(ctx context.Context, _ catalog.CollectionID, encoder Encoder) ([]float32, error) {
		return one(encoder.EncodeTexts(ctx, []string{text}))
	})
}

// ByPicture finds the images that look like picture.
func (s *Service) ByPicture(ctx context.Context, collection string, picture image.Image, options Options) (Results, error) {
	if picture == nil || picture.Bounds().Empty() {
		return Results{}, invalid("picture", "it has no pixels")
	}
	identify := func(h hasher) { h.addPicture(picture) }
	return s.answer(ctx, collection, options, identify, func(ctx context.Context, _ catalog.CollectionID, encoder Encoder) ([]float32, error) {
		return one(encoder.EncodeImages(ctx, []image.Image{picture}))
	})
}

// ByImage finds the images most like one of the collection, which is itself
// left out.
func (s *Service) ByImage(ctx context.Context, collection, id string, options Options) (Results, error) {
	if id == "" {
		return Results{}, invalid("image", "the ID is empty")
	}
	identify := func(h hasher) { h.add("image", id) }
	options.exclude = id
	return s.answer(ctx, collection, options, identify, func(ctx context.Context, collection catalog.CollectionID, encoder Encoder) ([]float32, error) {
		if err := s.checkSeen(ctx, collection, id, options); err != nil {
			return nil, err
		}
		return s.catalog.Vector(ctx, collection, id, encoder.Fingerprint())
	})
}

// checkSeen returns catalog.ErrImageNotFound for an image that the caller may not see: what
// is like it would tell how it looks.
func (s *Service) checkSeen(ctx context.Context, collection catalog.CollectionID, id string, options Options) error {
	if options.Within == nil {
		return nil
	}
	images, err := s.catalog.Images(ctx, collection, []string{id})
	if err != nil {
		return err
	}
	if image, ok := images[id]; !ok || !options.sees(image) {
		return fmt.Errorf("%w: %.80q", catalog.ErrImageNotFound, id)
	}
	return nil
}

// answer runs one query: check, encode, ask the index, join the catalogue.
func (s *Service) answer(ctx context.Context, collection string, options Options,
	identify func(hasher), encode func(context.Context, catalog.CollectionID, Encoder) ([]float32, error)) (Results, error) {
	window, err := newWindow(collection, options, identify)
	if err != nil {
		return Results{}, err
	}
	found, encoder, err := s.usable(ctx, collection)
	if err != nil {
		return Results{}, err
	}
	if options.Within == nil { // it would tell of fields that only images beyond it have
		if err := s.checkFields(ctx, found, options.Filter); err != nil {
			return Results{}, err
		}
	}
	vector, err := encode(ctx, found.ID, encoder)
	if err != nil {
		return Results{}, fmt.Errorf("encode the query: %w", err)
	}
	if found.Fingerprint == "" {
		return Results{Hits: []Hit{}}, nil
	}
	rank := func(depth int) ([]Match, error) {
		matches, err := s.index.Search(ctx, found.ID, Query{Vector: vector, Limit: depth, Filter: options.filter()})
		if err != nil {
			return nil, fmt.Errorf("search collection %q: %w", collection, err)
		}
		return matches, nil
	}
	if options.Group == GroupContent {
		return s.grouped(ctx, found, window, rank, options)
	}
	matches, err := rank(window.depth())
	if err != nil {
		return Results{}, err
	}
	page, next := window.cut(matches)
	hits, err := s.join(ctx, found, page, options)
	if err != nil {
		return Results{}, err
	}
	return Results{Hits: hits, Next: next}, nil
}

// usable returns the collection, and the loaded model as its index was made
// with, if that model can search it.
func (s *Service) usable(ctx context.Context, name string) (catalog.Collection, Encoder, error) {
	collection, err := s.catalog.UncountedCollection(ctx, name)
	if err != nil {
		return catalog.Collection{}, nil, err
	}
	encoder, err := s.encoder.For(collection.SearchedMaxPatches)
	if err != nil {
		return catalog.Collection{}, nil, fmt.Errorf("collection %q: %w", name, err)
	}
	if collection.Fingerprint != "" && collection.Fingerprint != encoder.Fingerprint() {
		return catalog.Collection{}, nil, &ModelMismatchError{
			Collection: name, Indexed: collection.Fingerprint, Loaded: encoder.Fingerprint(),
		}
	}
	return collection, encoder, nil
}

// join adds what the catalogue knows. Matches that it no longer has are left out, and so
// are those that the caller may not see by now: the index may lag behind a change.
func (s *Service) join(ctx context.Context, collection catalog.Collection, matches []Match, options Options) ([]Hit, error) {
	hits := make([]Hit, 0, len(matches))
	if len(matches) == 0 {
		return hits, nil
	}
	ids := make([]string, len(matches))
	for i, match := range matches {
		ids[i] = match.ID
	}
	images, err := s.catalog.Images(ctx, collection.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read images of collection %q: %w", collection.Name, err)
	}
	for _, match := range matches {
		if image, ok := images[match.ID]; ok && options.sees(image) {
			hits = append(hits, Hit{Image: image, Score: match.Score})
		}
	}
	return hits, nil
}

func one(vectors [][]float32, err error) ([]float32, error) {
	if err != nil {
		return nil, err
	}
	if len(vectors) != 1 {
		return nil, errors.New("the encoder did not answer exactly one vector")
	}
	return vectors[0], nil
}
