package trainer

import (
	"errors"
	"slices"

	"polylens/trainer/data/batch"
)

// itemTexts are the texts of all items that are trained on. The pictures of a batch
// are compared with some of each item, so that they are distinguished from everything
// that they might be mistaken for, and not only from the few others of their batch.
type itemTexts struct {
	items
	pairs [][]int // of each item that has texts, one for each of them
}

func (r *run) openTexts(all items, pairs [][]int) error {
	switch {
	case r.config.Cache.Bytes == 0:
		return errors.New("batch.all_items: each step needs the vectors of texts of all items, which are kept for it: set cache.bytes above 0")
	case r.config.Labels.Names > 0:
		return errors.New("labels.names teaches which of all items a text is about, by pictures that stay as they are: leave it out")
	}
	without := func(pairs []int) bool { return len(pairs) == 0 }
	r.texts = &itemTexts{all, slices.DeleteFunc(pairs, without)}
	return nil
}

// textsOfStep is how many texts the pictures of a step are compared with.
func (r *run) textsOfStep() int64 {
	count := r.config.Batch.Pictures
	if r.texts != nil {
		count = len(r.texts.pairs)
	}
	return int64(count * r.config.Batch.Texts)
}

// otherTexts draws texts of each item as those of pictures are drawn.
func (r *run) otherTexts(loaded batch.Loaded) (drawn []int, targets []float32) {
	shown := map[int][]int{} // rows of the pictures that show the item of a column
	for row, item := range loaded.Items {
		column := r.texts.column[item]
		shown[column] = append(shown[column], row)
	}
	for number, pairs := range r.texts.pairs {
		drawn = append(drawn, r.sampler.Among(pairs, loaded.Step, number)...)
	}
	showing := func(column int) []int { return shown[column] }
	return drawn, r.texts.relevance(drawn, len(loaded.Pictures), showing)
}
