package search_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/search/exact"
)

const (
	model = "aaaaaaaaaaaaaaaaaaaaaaaa"
	other = "bbbbbbbbbbbbbbbbbbbbbbbb"
	view  = "cccccccccccccccccccccccc" // of model, with 64 patches
)

// circle encodes a text of n letters, or a picture of n columns, as the n-th
// of 100 points on a circle: distances are easy to foresee.
type circle struct{ texts []string }

func (*circle) Fingerprint() string { return model }
func (*circle) Dimension() int      { return 2 }

func (c *circle) For(maxPatches int) (search.Encoder, error) {
	switch maxPatches {
	case 0:
		return c, nil
	case 64:
		return mirrored{c}, nil
	}
	return nil, errors.New("no such view")
}

// mirrored sees pictures the wrong way round.
type mirrored struct{ *circle }

func (mirrored) Fingerprint() string { return view }

func (m mirrored) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	vectors, err := m.circle.EncodeImages(ctx, images)
	for _, vector := range vectors {
		vector[1] = -vector[1]
	}
	return vectors, err
}

func (c *circle) EncodeTexts(_ context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		c.texts = append(c.texts, text)
		vectors[i] = point(len([]rune(text)))
	}
	return vectors, nil
}

func (*circle) EncodeImages(_ context.Context, images []image.Image) ([][]float32, error) {
	vectors := make([][]float32, len(images))
	for i, picture := range images {
		vectors[i] = point(picture.Bounds().Dx())
	}
	return vectors, nil
}

func point(n int) []float32 {
	angle := 2 * math.Pi * float64(n) / 100
	return []float32{float32(math.Cos(angle)), float32(math.Sin(angle))}
}

// shelf is a catalogue with images 01 to count at the points of the circle.
type shelf struct {
	count       int
	fingerprint string
	maxPatches  int
	copies      map[string]string // contents of IDs, where others have them as well
	gone        []string          // no longer in the catalogue, still in the index
	metadata    []map[string]any
	asked       int  // calls of MetadataWith
	partial     bool // MetadataWith does not see all
	broken      bool // MetadataWith fails
}

// MetadataWith ignores the keys, as if all images had them somewhere.
func (s *shelf) MetadataWith(_ context.Context, _ catalog.CollectionID, _ []string, limit int) ([]map[string]any, bool, error) {
	s.asked++
	if s.broken {
		return nil, false, catalog.ErrUnavailable
	}
	return s.metadata[:min(limit, len(s.metadata))], !s.partial && len(s.metadata) <= limit, nil
}

func (s *shelf) Collection(_ context.Context, name string) (catalog.Collection, error) {
	if name != "ring" {
		return catalog.Collection{}, fmt.Errorf("%w: %q", catalog.ErrCollectionNotFound, name)
	}
	return catalog.Collection{ID: catalog.CollectionID(name), Name: name, Fingerprint: s.fingerprint, SearchedMaxPatches: s.maxPatches, Images: s.count}, nil
}

func (s *shelf) UncountedCollection(ctx context.Context, name string) (catalog.Collection, error) {
	found, err := s.Collection(ctx, name)
	found.Images = 0
	return found, err
}

func (s *shelf) Images(_ context.Context, _ catalog.CollectionID, ids []string) (map[string]catalog.Image, error) {
	images := make(map[string]catalog.Image)
	for _, id := range ids {
		if !slices.Contains(s.gone, id) {
			images[id] = catalog.Image{ID: id, URI: "file:///" + id, SHA256: s.content(id)}
		}
	}
	return images, nil
}

func (s *shelf) Contents(_ context.Context, _ catalog.CollectionID, ids []string) (map[string]string, error) {
	contents := make(map[string]string)
	for _, id := range ids {
		if !slices.Contains(s.gone, id) {
			contents[id] = s.content(id)
		}
	}
	return contents, nil
}

func (s *shelf) content(id string) string {
	if content, ok := s.copies[id]; ok {
		return content
	}
	return "content of " + id
}

func (s *shelf) Vector(_ context.Context, _ catalog.CollectionID, id, fingerprint string) ([]float32, error) {
	for n := 1; n <= s.count; n++ {
		if id == name(n) && fingerprint == s.fingerprint {
			return point(n), nil
		}
	}
	return nil, catalog.ErrImageNotFound
}

func name(n int) string { return fmt.Sprintf("%02d", n) }

// ring is a service over count images.
func ring(t *testing.T, count int) (*search.Service, *shelf, *circle) {
	t.Helper()
	index := exact.New()
	key := search.Key{Collection: "ring", Fingerprint: model}
	rows := make([]search.Row, count)
	for i := range rows {
		rows[i] = search.Row{ID: name(i + 1), Vector: point(i + 1), Metadata: map[string]any{"even": i%2 == 1}}
	}
	if err := errors.Join(index.Ensure(t.Context(), key, 2), index.Upsert(t.Context(), key, rows)); err != nil {
		t.Fatal(err)
	}
	catalogue, encoder := &shelf{count: count, fingerprint: model}, &circle{}
	return search.New(index, catalogue, encoder), catalogue, encoder
}

func ids(results search.Results) []string {
	found := make([]string, len(results.Hits))
	for i, hit := range results.Hits {
		found[i] = hit.ID
	}
	return found
}

func TestByText(t *testing.T) {
	service, _, encoder := ring(t, 20)
	tests := map[string]struct {
		text    string
		options search.Options
		want    []string
	}{
		"nearest first":            {"abcde", search.Options{Limit: 3}, []string{"05", "04", "06"}},
		"trimmed":                  {" \tabcde\n", search.Options{Limit: 1}, []string{"05"}},
		"composed":                 {"e\u0301e\u0301", search.Options{Limit: 1}, []string{"02"}},
		"filtered":                 {"abcde", search.Options{Limit: 2, Filter: search.Compare{Field: "even", Op: search.Eq, Value: true}}, []string{"04", "06"}},
		"nothing meets the filter": {"abc", search.Options{Filter: search.Compare{Field: "even", Op: search.Eq, Value: "x"}}, []string{}},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			results, err := service.ByText(t.Context(), "ring", test.text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(results); !slices.Equal(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
	if !slices.Contains(encoder.texts, "éé") {
		t.Errorf("the encoder saw %q, not the composed text", encoder.texts)
	}
}

func TestHitsCarryScoreAndImage(t *testing.T) {
	service, _, _ := ring(t, 20)
	results, err := service.ByText(t.Context(), "ring", "abcde", search.Options{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	hit := results.Hits[0]
	if hit.URI != "file:///05" || math.Abs(float64(hit.Score)-1) > 1e-6 {
		t.Errorf("got %+v", hit)
	}
}

func TestByPictureAndByImage(t *testing.T) {
	service, _, _ := ring(t, 20)
	picture := image.NewGray(image.Rect(0, 0, 7, 3))
	results, err := service.ByPicture(t.Context(), "ring", picture, search.Options{Limit: 2})
	if err != nil || !slices.Equal(ids(results), []string{"07", "06"}) {
		t.Errorf("by picture: %q, %v", ids(results), err)
	}
	results, err = service.ByImage(t.Context(), "ring", "07", search.Options{Limit: 2})
	if err != nil || !slices.Equal(ids(results), []string{"06", "08"}) {
		t.Errorf("by image: %q, %v; it must leave out the image itself", ids(results), err)
	}
}

// TestViewOfTheCollection: texts mean the same in every view, pictures are seen
// as those of the index were, and vectors of another view are no match.
func TestViewOfTheCollection(t *testing.T) {
	service, shelf, _ := ring(t, 20)
	shelf.fingerprint, shelf.maxPatches = view, 64
	results, err := service.ByText(t.Context(), "ring", "abcde", search.Options{Limit: 1})
	if err != nil || !slices.Equal(ids(results), []string{"05"}) {
		t.Errorf("by text: %q, %v", ids(results), err)
	}
	results, err = service.ByPicture(t.Context(), "ring", image.NewGray(image.Rect(0, 0, 93, 1)), search.Options{Limit: 1})
	if err != nil || !slices.Equal(ids(results), []string{"07"}) {
		t.Errorf("by picture: %q, %v; want the mirror image of 93", ids(results), err)
	}
	results, err = service.ByImage(t.Context(), "ring", "07", search.Options{Limit: 1})
	if err != nil || !slices.Equal(ids(results), []string{"06"}) {
		t.Errorf("by image: %q, %v", ids(results), err)
	}
	ranks, err := service.Ranks(t.Context(), "ring", []search.Judgement{{Text: "abc", Accept: []string{"03"}}})
	if err != nil || !slices.Equal(ranks, []int{1}) {
		t.Errorf("evaluation: ranks %v, %v", ranks, err)
	}
	for name, change := range map[string]func(){
		"vectors of the model's own view": func() { shelf.fingerprint, shelf.maxPatches = model, 64 },
		"vectors of a chosen view":        func() { shelf.fingerprint, shelf.maxPatches = view, 0 },
	} {
		change()
		var mismatch *search.ModelMismatchError
		if _, err := service.ByText(t.Context(), "ring", "a", search.Options{}); !errors.As(err, &mismatch) {
			t.Errorf("%s: got %v, want a mismatch", name, err)
		}
	}
	shelf.fingerprint, shelf.maxPatches = "", 7
	if _, err := service.ByText(t.Context(), "ring", "a", search.Options{}); err == nil || !strings.Contains(err.Error(), `"ring": no such view`) {
		t.Errorf("got %v, want the collection named", err)
	}
}

func TestPagesJoinToTheWholeRanking(t *testing.T) {
	service, _, _ := ring(t, 23)
	searches := map[string]func(search.Options) (search.Results, error){
		"text": func(o search.Options) (search.Results, error) { return service.ByText(t.Context(), "ring", "abcde", o) },
		"image": func(o search.Options) (search.Results, error) {
			return service.ByImage(t.Context(), "ring", "05", o)
		},
		"picture": func(o search.Options) (search.Results, error) {
			return service.ByPicture(t.Context(), "ring", image.NewGray(image.Rect(0, 0, 5, 5)), o)
		},
	}
	for kind, run := range searches {
		t.Run(kind, func(t *testing.T) {
			whole, err := run(search.Options{Limit: 1000})
			if err != nil || whole.Next != "" {
				t.Fatalf("%v, next %q", err, whole.Next)
			}
			for limit := 1; limit <= 24; limit++ {
				var joined []string
				options := search.Options{Limit: limit}
				for {
					page, err := run(options)
					if err != nil {
						t.Fatal(err)
					}
					joined = append(joined, ids(page)...)
					if options.Cursor = page.Next; page.Next == "" {
						break
					}
				}
				if !slices.Equal(joined, ids(whole)) {
					t.Errorf("pages of %d join to %q, want %q", limit, joined, ids(whole))
				}
			}
		})
	}
}

func TestImagesThatTheCatalogueLostAreLeftOut(t *testing.T) {
	service, shelf, _ := ring(t, 10)
	shelf.gone = []string{"05", "06"}
	results, err := service.ByText(t.Context(), "ring", "abcde", search.Options{Limit: 4})
	if err != nil || !slices.Equal(ids(results), []string{"04", "03"}) {
		t.Errorf("%q, %v", ids(results), err)
	}
	if results.Next == "" {
		t.Error("a short page hides that there are more")
	}
}

func TestEmptyCollectionHasNoHits(t *testing.T) {
	service, shelf, _ := ring(t, 1)
	shelf.fingerprint, shelf.count = "", 0
	results, err := service.ByText(t.Context(), "ring", "a", search.Options{})
	if err != nil || results.Hits == nil || len(results.Hits) != 0 {
		t.Errorf("%#v, %v", results.Hits, err)
	}
}

func TestRefusals(t *testing.T) {
	service, shelf, _ := ring(t, 10)
	page, err := service.ByText(t.Context(), "ring", "abc", search.Options{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	byText := func(text string, options search.Options) error {
		_, err := service.ByText(t.Context(), "ring", text, options)
		return err
	}
	filter := search.Compare{Field: "even", Op: search.Eq, Value: true}
	_, emptyPicture := service.ByPicture(t.Context(), "ring", image.NewGray(image.Rect(3, 3, 3, 9)), search.Options{})
	_, noImage := service.ByImage(t.Context(), "ring", "", search.Options{})
	tests := map[string]struct {
		err   error
		field string
	}{
		"empty text":                 {byText(" \n", search.Options{}), "text"},
		"broken UTF-8":               {byText("a\xff", search.Options{}), "text"},
		"endless text":               {byText(strings.Repeat("ab", search.MaxTextBytes), search.Options{}), "text"},
		"negative limit":             {byText("a", search.Options{Limit: -1}), "limit"},
		"huge limit":                 {byText("a", search.Options{Limit: search.MaxPage + 1}), "limit"},
		"nonsense cursor":            {byText("abc", search.Options{Cursor: "nonsense!"}), "cursor"},
		"short cursor":               {byText("abc", search.Options{Cursor: "AQ"}), "cursor"},
		"cursor of another text":     {byText("abcd", search.Options{Cursor: page.Next}), "cursor"},
		"cursor of another filter":   {byText("abc", search.Options{Cursor: page.Next, Filter: filter}), "cursor"},
		"picture without pixels":     {emptyPicture, "picture"},
		"image without ID":           {noImage, "image"},
		"the cursor's own text fits": {byText("abc", search.Options{Cursor: page.Next}), ""},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			var invalid *search.InvalidError
			if test.field == "" {
				if test.err != nil {
					t.Fatal(test.err)
				}
				return
			}
			if !errors.As(test.err, &invalid) || invalid.Field != test.field {
				t.Errorf("got %v, want an InvalidError of %s", test.err, test.field)
			}
		})
	}
	if _, err := service.ByText(t.Context(), "nowhere", "a", search.Options{}); !errors.Is(err, catalog.ErrCollectionNotFound) || !strings.Contains(err.Error(), `"nowhere"`) {
		t.Errorf("unknown collection: %v", err)
	}
	if _, err := service.ByImage(t.Context(), "ring", "77", search.Options{}); !errors.Is(err, catalog.ErrImageNotFound) {
		t.Errorf("unknown image: %v", err)
	}
	shelf.fingerprint = other
	var mismatch *search.ModelMismatchError
	if err := byText("a", search.Options{}); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "index it again") {
		t.Errorf("other model: %v", err)
	}
}

func TestCursorTellsPicturesApart(t *testing.T) {
	service, _, _ := ring(t, 20)
	one, two := image.NewGray(image.Rect(0, 0, 5, 5)), image.NewGray(image.Rect(0, 0, 5, 5))
	two.Set(2, 2, color.White)
	page, err := service.ByPicture(t.Context(), "ring", one, search.Options{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	var invalid *search.InvalidError
	if _, err := service.ByPicture(t.Context(), "ring", two, search.Options{Cursor: page.Next}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want the cursor refused", err)
	}
}
