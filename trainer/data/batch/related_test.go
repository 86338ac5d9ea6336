package batch

import (
	"maps"
	"slices"
	"testing"

	"polylens/trainer/data"
)

// catalogue has one query of two items, which is another's in another language.
func catalogue() (*data.Set, *Related) {
	set := &data.Set{Pictures: make([]data.Picture, 4), Pairs: []data.Pair{
		{Picture: 0, Text: "red shoe", Language: "en", Relevance: 1},
		{Picture: 1, Text: "red shoe", Language: "en", Relevance: 0.2},
		{Picture: 2, Text: "red shoe", Language: "de", Relevance: 0.5},
		{Picture: 3, Text: "red shoe", Language: "en", Relevance: 0.7},
	}}
	return set, NewRelated(set, []int{5, 6, 7, 5})
}

func TestGrade(t *testing.T) {
	_, related := catalogue()
	for _, test := range []struct {
		pair int
		want map[int]float32
	}{
		{0, map[int]float32{5: 1, 6: 0.2}},
		{1, map[int]float32{5: 1, 6: 0.2}},
		{2, map[int]float32{7: 0.5}},
		{3, map[int]float32{5: 0.7, 6: 0.2}}, // its own word on its own item
	} {
		for item := range 9 {
			if got := related.Grade(test.pair, item); got != test.want[item] {
				t.Errorf("pair %d and item %d: got %v, want %v", test.pair, item, got, test.want[item])
			}
		}
		if got := maps.Collect(related.Items(test.pair)); !maps.Equal(got, test.want) {
			t.Errorf("items of pair %d: got %v, want %v", test.pair, got, test.want)
		}
	}
}

func TestRelevanceOfSharedText(t *testing.T) {
	_, related := catalogue()
	b := Batch{Pictures: []int{0, 1, 2}, Items: []int{5, 6, 7}, Pairs: []int{0, 1, 2}}
	want := []float32{1, 1, 0, 0.2, 0.2, 0, 0, 0, 0.5}
	if got := b.Relevance(related); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
