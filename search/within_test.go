package search_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/search/exact"
)

// owned is a catalogue that says whose each image is.
type owned struct {
	search.Catalog
	owners map[string]string
	asked  *int // calls of MetadataWith
}

func (o owned) Images(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]catalog.Image, error) {
	images, err := o.Catalog.Images(ctx, collection, ids)
	for id, image := range images {
		image.Metadata = map[string]any{"owner": o.owners[id]}
		images[id] = image
	}
	return images, err
}

func (o owned) MetadataWith(ctx context.Context, collection catalog.CollectionID, keys []string, limit int) ([]map[string]any, bool, error) {
	*o.asked++
	return o.Catalog.MetadataWith(ctx, collection, keys, limit)
}

// newOwned is a service over images of anna and bert, some of which are copies of each
// other. The index has not heard of one that was given away.
func newOwned(t *testing.T) (service *search.Service, asked *int) {
	t.Helper()
	owners := map[string]string{"01": "anna", "02": "bert", "03": "anna", "04": "bert", "05": "anna", "06": "bert"}
	index, key := exact.New(), search.Key{Collection: "ring", Fingerprint: model}
	var rows []search.Row
	for n, id := range []string{"01", "02", "03", "04", "05", "06"} {
		rows = append(rows, search.Row{ID: id, Vector: point(n + 1), Metadata: map[string]any{"owner": owners[id]}})
	}
	if err := errors.Join(index.Ensure(t.Context(), key, 2), index.Upsert(t.Context(), key, rows)); err != nil {
		t.Fatal(err)
	}
	owners["05"] = "bert" // it was given away, and the index has not heard of that yet
	asked = new(int)
	catalogue := &shelf{count: 6, fingerprint: model, copies: map[string]string{"01": "x", "02": "x", "03": "x"},
		metadata: []map[string]any{{"owner": "anna"}, {"secret": "of bert"}}}
	return search.New(index, owned{catalogue, owners, asked}, &circle{}), asked
}

func annas() search.Options {
	return search.Options{Within: search.Compare{Field: "owner", Op: search.Eq, Value: "anna"}}
}

func found(results search.Results) []string {
	var all []string
	for _, hit := range results.Hits {
		all = append(all, hit.ID)
		for _, copy := range hit.Copies {
			all = append(all, copy.ID)
		}
	}
	slices.Sort(all)
	return all
}

// TestWithin: who may see some images finds no others, however the question is put.
func TestWithin(t *testing.T) {
	service, _ := newOwned(t)
	bert := search.Compare{Field: "owner", Op: search.Eq, Value: "bert"}
	for label, test := range map[string]struct {
		change func(*search.Options)
		want   []string
	}{
		"all of hers":    {func(*search.Options) {}, []string{"01", "03"}},
		"with copies":    {func(o *search.Options) { o.Group = search.GroupContent }, []string{"01", "03"}},
		"another's":      {func(o *search.Options) { o.Filter = bert }, nil},
		"hers or his":    {func(o *search.Options) { o.Filter = search.Or{bert, o.Within} }, []string{"01", "03"}},
		"nothing of his": {func(o *search.Options) { o.Filter = search.Not{Filter: bert} }, []string{"01", "03"}},
		"whatever holds": {func(o *search.Options) { o.Filter = search.And{} }, []string{"01", "03"}},
	} {
		options := annas()
		test.change(&options)
		results, err := service.ByText(t.Context(), "ring", "abc", options)
		if err != nil || !slices.Equal(found(results), test.want) {
			t.Errorf("%s: %v, %v; want %v", label, found(results), err, test.want)
		}
	}
}

// TestWithinTellsNothing: neither what an image beyond it is like, nor which fields there
// are beyond it.
func TestWithinTellsNothing(t *testing.T) {
	service, asked := newOwned(t)
	for _, id := range []string{"02", "05", "99"} {
		if results, err := service.ByImage(t.Context(), "ring", id, annas()); !errors.Is(err, catalog.ErrImageNotFound) {
			t.Errorf("like %s: %v, %v", id, found(results), err)
		}
	}
	if results, err := service.ByImage(t.Context(), "ring", "01", annas()); err != nil || !slices.Equal(found(results), []string{"03"}) {
		t.Errorf("like her own: %v, %v", found(results), err)
	}
	for _, field := range []string{"secret", "secrte", "nothing"} {
		options := annas()
		options.Filter = search.Compare{Field: field, Op: search.Eq, Value: "x"}
		if results, err := service.ByText(t.Context(), "ring", "abc", options); err != nil || len(results.Hits) > 0 || *asked > 0 {
			t.Errorf("the field %s: %v, %v; the catalogue was asked %d times", field, found(results), err, *asked)
		}
	}
}

// TestWithinBelongsToTheCursor: a page of one view is no page of another.
func TestWithinBelongsToTheCursor(t *testing.T) {
	service, _ := newOwned(t)
	options := annas()
	options.Limit = 1
	results, err := service.ByText(t.Context(), "ring", "abc", options)
	if err != nil || results.Next == "" {
		t.Fatalf("%+v, %v", results, err)
	}
	options.Within, options.Cursor = nil, results.Next
	if _, err := service.ByText(t.Context(), "ring", "abc", options); err == nil {
		t.Error("the cursor is taken by a search of all images")
	}
}
