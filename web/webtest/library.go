package webtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/image/draw"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/search/exact"
	"polylens/web"
)

// Fingerprint is the fingerprint of a Library's pretended model.
const Fingerprint = "0123456789abcdef0123456789abcdef"

// MostPatches is the most patches that the pretended model can cut a picture into.
const MostPatches = 900

// LibraryName is the collection that a Library begins with.
const LibraryName = "demo"

// Library is a collection of drawn pictures with everything that web.Config
// asks for, in memory: catalogue, index, encoder, files.
type Library struct {
	mu          sync.Mutex
	collections map[string]*shelf
	index       *exact.Index
	created     time.Time
}

type shelf struct {
	id      catalog.CollectionID
	patches int  // chosen at most; 0: none
	dropped bool // what clients send is not kept
	images  []catalog.Image
	files   map[string][]byte
	vectors map[string][]float32
}

// NewLibrary draws the pictures.
func NewLibrary() *Library {
	l := &Library{collections: make(map[string]*shelf), index: exact.New(), created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for variant := range Variants {
		for _, concept := range Concepts {
			l.add(LibraryName, concept, variant)
		}
	}
	return l
}

func (l *Library) shelf(name string) *shelf {
	if l.collections[name] == nil {
		l.collections[name] = &shelf{id: l.freeID(name), files: make(map[string][]byte), vectors: make(map[string][]float32)}
	}
	return l.collections[name]
}

// freeID returns an ID that no collection has, not even one that was renamed.
func (l *Library) freeID(name string) catalog.CollectionID {
	id := catalog.CollectionID(name)
	for _, s := range l.collections {
		if s.id == id {
			return catalog.CollectionID(name + "." + strconv.Itoa(len(l.collections)))
		}
	}
	return id
}

// drawing is one variant of a concept, ready to be shown.
type drawing struct {
	size   image.Point
	color  string
	file   []byte
	vector []float32
}

// gallery holds every drawing by the name of its concept; drawing them takes a
// while and is done once for all tests of a process.
var gallery = sync.OnceValue(func() map[string][]drawing {
	all := make(map[string][]drawing, len(Concepts))
	for _, concept := range Concepts {
		for variant := range Variants {
			picture := concept.Draw(variant)
			all[concept.Name] = append(all[concept.Name], drawing{
				size: picture.Bounds().Size(), color: hexColor(picture.At(2, 2)),
				file: EncodePNG(picture), vector: look(picture),
			})
		}
	}
	return all
})

// add puts one picture into a collection; the lock is held, or nobody else
// knows the library yet.
func (l *Library) add(collection string, concept Concept, variant int) {
	s := l.shelf(collection)
	drawn := gallery()[concept.Name][variant]
	id := concept.Name + "-" + strconv.Itoa(variant)
	var captions []catalog.Caption
	for _, language := range slices.Sorted(maps.Keys(concept.Names)) {
		captions = append(captions, catalog.Caption{Language: language, Text: concept.Names[language]})
	}
	described := catalog.Image{
		ID: id, URI: "file:///pictures/" + id + ".png",
		Width: drawn.size.X, Height: drawn.size.Y,
		Color: drawn.color, Captions: captions,
		Metadata: map[string]any{
			"group": concept.Group, "tags": []any{concept.Name, "drawn"}, "variant": float64(variant),
		},
	}
	s.images = append(s.images, described)
	s.files[id] = drawn.file
	s.vectors[id] = drawn.vector
	key := search.Key{Collection: s.id, Fingerprint: Fingerprint}
	row := search.Row{ID: id, Vector: s.vectors[id], Metadata: described.Metadata}
	err := errors.Join(l.index.Ensure(context.Background(), key, Encoder{}.Dimension()), l.index.Upsert(context.Background(), key, []search.Row{row}))
	if err != nil {
		panic(err) // a mistake in the drawn pictures
	}
}

// File returns a picture of the demo collection, or nil.
func (l *Library) File(id string) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.collections[LibraryName].files[id]
}

// find returns the present state of a collection, which a job may be filling.
func (l *Library) find(name string) (*shelf, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.collections[name]; ok {
		return &shelf{id: s.id, patches: s.patches, dropped: s.dropped, images: s.images, files: maps.Clone(s.files), vectors: maps.Clone(s.vectors)}, nil
	}
	return nil, fmt.Errorf("%w: %q", catalog.ErrCollectionNotFound, name)
}

// Catalog returns the catalogue as the server sees it.
func (l *Library) Catalog() web.Catalog { return shelves{l} }

// Indexer returns what changes the catalogue.
func (l *Library) Indexer() web.Indexer { return shelves{l} }

type shelves struct{ *Library }

func (c shelves) describe(name string, s *shelf) catalog.Collection {
	collection := catalog.Collection{
		ID: s.id, Name: name, Images: len(s.images), Created: c.created, MaxPatches: s.patches, Originals: catalog.OriginalsKept,
	}
	if s.dropped {
		collection.Originals = catalog.OriginalsDiscarded
	}
	if len(s.images) > 0 {
		collection.Fingerprint = Fingerprint
	}
	return collection
}

func (c shelves) Collections(context.Context) ([]catalog.Collection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []catalog.Collection
	for name, s := range c.collections {
		all = append(all, c.describe(name, s))
	}
	slices.SortFunc(all, func(a, b catalog.Collection) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (c shelves) Collection(_ context.Context, name string) (catalog.Collection, error) {
	s, err := c.find(name)
	if err != nil {
		return catalog.Collection{}, err
	}
	return c.describe(name, s), nil
}

// ListFailures finds none.
func (c shelves) ListFailures(_ context.Context, name, _ string, _ int, _ ...catalog.FailureKind) ([]catalog.Failure, string, error) {
	_, err := c.find(name)
	return nil, "", err
}

func (c shelves) CreateCollection(_ context.Context, name string, maxPatches int, originals catalog.Originals) (catalog.Collection, error) {
	if maxPatches > MostPatches {
		return catalog.Collection{}, fmt.Errorf("%w: %d patches", catalog.ErrInvalid, maxPatches)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.collections[name] != nil {
		return catalog.Collection{}, fmt.Errorf("%w: collection %q exists", catalog.ErrConflict, name)
	}
	c.shelf(name).patches, c.shelf(name).dropped = maxPatches, originals == catalog.OriginalsDiscarded
	return c.describe(name, c.shelf(name)), nil
}

func (c shelves) RenameCollection(_ context.Context, name, to string) (catalog.Collection, error) {
	if _, err := c.find(name); err != nil {
		return catalog.Collection{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != to && c.collections[to] != nil {
		return catalog.Collection{}, fmt.Errorf("%w: collection %q exists", catalog.ErrConflict, to)
	}
	s := c.collections[name]
	delete(c.collections, name)
	c.collections[to] = s
	return c.describe(to, s), nil
}

func (c shelves) SetOriginals(_ context.Context, name string, originals catalog.Originals) (catalog.Collection, error) {
	if _, err := c.find(name); err != nil {
		return catalog.Collection{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collections[name].dropped = originals == catalog.OriginalsDiscarded
	return c.describe(name, c.collections[name]), nil
}

func (c shelves) DeleteCollection(_ context.Context, name string) error {
	if _, err := c.find(name); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.collections, name)
	return nil
}

// FindImages sorts by URI, forwards, whatever is asked for.
func (c shelves) FindImages(_ context.Context, name string, query catalog.ImageQuery) ([]catalog.Image, string, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, "", err
	}
	images := s.images
	if query.Matches != nil {
		images = slices.DeleteFunc(slices.Clone(images), func(image catalog.Image) bool { return !query.Matches(image.Metadata) })
	}
	start := 0
	if query.Cursor != "" {
		if start, err = strconv.Atoi(query.Cursor); err != nil || start < 0 || start > len(images) {
			return nil, "", fmt.Errorf("%w: cursor", catalog.ErrInvalid)
		}
	}
	end := min(start+query.Limit, len(images))
	next := ""
	if end < len(images) {
		next = strconv.Itoa(end)
	}
	return images[start:end], next, nil
}

func (c shelves) Image(_ context.Context, name, id string) (catalog.Image, error) {
	s, err := c.find(name)
	if err != nil {
		return catalog.Image{}, err
	}
	for _, image := range s.images {
		if image.ID == id || image.PublicID() == id {
			return image, nil
		}
	}
	return catalog.Image{}, fmt.Errorf("%w: %s", catalog.ErrImageNotFound, id)
}

// Pictures returns the files as the server sees them.
func (l *Library) Pictures() web.Pictures { return pictures{l} }

type pictures struct{ *Library }

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func (p pictures) Original(_ context.Context, name, id string) (*indexer.Original, error) {
	s, err := p.find(name)
	if err != nil {
		return nil, err
	}
	file, ok := s.files[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", catalog.ErrImageNotFound, id)
	}
	return &indexer.Original{ReadSeekCloser: memory{bytes.NewReader(file)}, ContentType: "image/png",
		Name: id + ".png", Size: int64(len(file)), Tag: id}, nil
}

func (p pictures) Thumbnail(ctx context.Context, name, id string, size int) (indexer.Thumbnail, error) {
	original, err := p.Original(ctx, name, id)
	if err != nil {
		return indexer.Thumbnail{}, err
	}
	picture, err := png.Decode(original)
	if err != nil {
		return indexer.Thumbnail{}, err
	}
	bounds := picture.Bounds()
	scale := math.Min(1, float64(size)/float64(max(bounds.Dx(), bounds.Dy())))
	small := image.NewRGBA(image.Rect(0, 0, int(float64(bounds.Dx())*scale), int(float64(bounds.Dy())*scale)))
	draw.ApproxBiLinear.Scale(small, small.Bounds(), picture, bounds, draw.Src, nil)
	return indexer.Thumbnail{Data: EncodePNG(small), ContentType: "image/png", SHA256: id + "-" + strconv.Itoa(size)}, nil
}

// Decode is web.Config's Decode for PNG files.
func Decode(_ context.Context, file []byte) (image.Image, func(), error) {
	picture, err := png.Decode(bytes.NewReader(file))
	return picture, func() {}, err
}

// EncodePNG writes a picture as a file.
func EncodePNG(picture image.Image) []byte {
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&file, picture); err != nil {
		panic(err) // a picture in memory always encodes
	}
	return file.Bytes()
}

var _ io.ReadSeekCloser = memory{}

// Search returns a real search service over the library.
func (l *Library) Search() *search.Service {
	return search.New(l.index, shelves{l}, Encoder{})
}

// Contents implements search.Catalog.
func (c shelves) Contents(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]string, error) {
	images, err := c.Images(ctx, collection, ids)
	contents := make(map[string]string, len(images))
	for id, image := range images {
		contents[id] = cmp.Or(image.SHA256, id)
	}
	return contents, err
}

// MetadataWith implements search.Catalog: every image may have the keys.
func (c shelves) MetadataWith(_ context.Context, collection catalog.CollectionID, _ []string, limit int) ([]map[string]any, bool, error) {
	s, err := c.findID(collection)
	if err != nil {
		return nil, false, err
	}
	var found []map[string]any
	for _, image := range s.images {
		if len(found) == limit {
			return found, false, nil
		}
		found = append(found, image.Metadata)
	}
	return found, true, nil
}

// UncountedCollection implements search.Catalog.
func (c shelves) UncountedCollection(ctx context.Context, name string) (catalog.Collection, error) {
	return c.Collection(ctx, name)
}

// findID is find by ID.
func (l *Library) findID(id catalog.CollectionID) (*shelf, error) {
	l.mu.Lock()
	var found string
	for name, s := range l.collections {
		if s.id == id {
			found = name
		}
	}
	l.mu.Unlock()
	return l.find(found)
}

func (c shelves) Images(_ context.Context, collection catalog.CollectionID, ids []string) (map[string]catalog.Image, error) {
	s, err := c.findID(collection)
	if err != nil {
		return nil, err
	}
	images := make(map[string]catalog.Image, len(ids))
	for _, image := range s.images {
		if slices.Contains(ids, image.ID) {
			images[image.ID] = image
		}
	}
	return images, nil
}

func (c shelves) Vector(_ context.Context, collection catalog.CollectionID, id, _ string) ([]float32, error) {
	s, err := c.findID(collection)
	if err != nil {
		return nil, err
	}
	if vector, ok := s.vectors[id]; ok {
		return vector, nil
	}
	return nil, fmt.Errorf("%w: %s", catalog.ErrImageNotFound, id)
}
