package batch

import (
	"iter"

	"polylens/trainer/data"
)

// Related says how well the texts of pairs describe items. A text of one item may
// also be a text of another, as queries of a catalogue are, with a different
// relevance there.
type Related struct {
	set    *data.Set
	items  []int             // of each picture of the set
	others []map[int]float32 // of each pair: all items that have its text; nil where its own is the only one
}

// NewRelated looks through a set. items says what each picture of it shows.
func NewRelated(set *data.Set, items []int) *Related {
	type text struct{ language, text string }
	grades := make(map[text]map[int]float32)
	for _, pair := range set.Pairs {
		key, item := text{pair.Language, pair.Text}, items[pair.Picture]
		if grades[key] == nil {
			grades[key] = make(map[int]float32)
		}
		grades[key][item] = max(grades[key][item], pair.Relevance)
	}
	r := &Related{set: set, items: items, others: make([]map[int]float32, len(set.Pairs))}
	for i, pair := range set.Pairs {
		if of := grades[text{pair.Language, pair.Text}]; len(of) > 1 {
			r.others[i] = of
		}
	}
	return r
}

// Grade is how well the text of a pair describes an item, from 0 to 1: of its
// own item what the pair says, of another that has the same text in the same
// language the best that its pairs say, of all others 0.
func (r *Related) Grade(pair, item int) float32 {
	if own := r.set.Pairs[pair]; r.items[own.Picture] == item {
		return own.Relevance
	}
	return r.others[pair][item]
}

// Items gives the items that have the text of a pair, in no order, and how well
// it describes them.
func (r *Related) Items(pair int) iter.Seq2[int, float32] {
	return func(yield func(int, float32) bool) {
		own := r.items[r.set.Pairs[pair].Picture]
		if !yield(own, r.set.Pairs[pair].Relevance) {
			return
		}
		for item := range r.others[pair] {
			if item != own && !yield(item, r.others[pair][item]) {
				return
			}
		}
	}
}
