package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/learner"
)

// checkAllItems is about batch.all_items.
func (c Config) checkAllItems() error {
	switch {
	case !c.Batch.AllItems:
		return nil
	case c.Selection.times() > 1:
		return errors.New("batch.all_items looks at no batches that could be selected from: leave selection out")
	case c.Labels.Alone:
		return errors.New("labels.alone leaves out the loss that batch.all_items is about: leave one of them out")
	}
	return nil
}

// items are those that are trained on, in the order of their first pictures.
type items struct {
	column  map[int]int // of an item
	related *batch.Related
}

// itemsAndPairs finds all items, and gives one pair for each text of each of them.
func (r *run) itemsAndPairs() (items, [][]int) {
	type text struct {
		column         int
		language, text string
	}
	all, known := items{column: map[int]int{}, related: r.related}, map[text]bool{}
	var texts [][]int
	pairs := r.Material.Set.PairsOf()
	for _, picture := range r.Material.pictures(inspect.Training) {
		item := r.Material.Findings.Items[picture]
		column, met := all.column[item]
		if !met {
			column = len(texts)
			all.column[item], texts = column, append(texts, nil)
		}
		for _, pair := range pairs[picture] {
			words := r.Material.Set.Pairs[pair]
			if key := (text{column, words.Language, words.Text}); !known[key] {
				known[key], texts[column] = true, append(texts[column], pair)
			}
		}
	}
	return all, texts
}

// openItems finds the items, if a batch is to be compared with all of them: its
// texts in modes that leave pictures as they are, and its pictures in those that
// leave texts as they are.
func (r *run) openItems() error {
	if !r.config.Batch.AllItems {
		return nil
	}
	mode, err := learner.ParseMode(r.config.Mode, r.Model.config)
	if err != nil {
		return err
	}
	all, texts := r.itemsAndPairs()
	switch {
	case len(texts) < 2:
		return errors.New("batch.all_items: all pictures show one item, so there is nothing to distinguish")
	case !mode.ChangesPictures(r.config.LoRA):
		r.vectors = &itemVectors{items: all}
		return nil
	case !mode.ChangesTexts(r.config.LoRA):
		return r.openTexts(all, texts)
	}
	return fmt.Errorf("batch.all_items: mode %q changes the vectors of pictures and of texts, so that neither last: choose text-only, query or vision-only, or leave it out", r.config.Mode)
}

// itemVectors are the mean vectors of all items that are trained on, which the
// texts of a batch are compared with: locked targets (LiT: Zhai et al. 2022,
// arXiv 2111.07991) without a picture to look at in a step.
type itemVectors struct {
	items
	means []float32 // [items, D]; nil before they are asked for
}

// picturesOfStep is how many pictures the texts of a step are compared with.
func (r *run) picturesOfStep() int64 {
	if r.vectors != nil {
		return int64(len(r.vectors.column))
	}
	return int64(r.config.Batch.Pictures)
}

// itemMeans computes the mean vector of the pictures of each item, of length 1:
// [items, D].
func (r *run) itemMeans(ctx context.Context) (ort.Tensor, error) {
	v, width := r.vectors, r.Model.config.Dimension()
	if v.means == nil {
		means := make([]float32, len(v.column)*width)
		pictures := r.Material.pictures(inspect.Training)
		for start := 0; start < len(pictures); start += together {
			if err := r.addVectors(ctx, pictures[start:min(start+together, len(pictures))], means); err != nil {
				return ort.Tensor{}, fmt.Errorf("the mean vectors of items: %w", err)
			}
		}
		for start := 0; start < len(means); start += width {
			toUnit(means[start : start+width])
		}
		v.means = means
	}
	return ort.Floats(v.means, int64(len(v.column)), int64(width)), nil
}

// addVectors adds the vectors of some pictures to those of their items.
func (r *run) addVectors(ctx context.Context, pictures []int, sums []float32) error {
	all, err := r.manyPixels(ctx, pictures)
	if err != nil {
		return err
	}
	vectors, _, err := r.enter(ctx, all)
	if err != nil {
		return err
	}
	for i, vector := range rows(vectors) {
		start := r.vectors.column[r.Material.Findings.Items[pictures[i]]] * len(vector)
		for j, value := range vector {
			sums[start+j] += value
		}
	}
	return nil
}

// manyPixels reads pictures, several at a time.
func (r *run) manyPixels(ctx context.Context, pictures []int) ([]preprocess.Pixels, error) {
	all := make([]preprocess.Pixels, len(pictures))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, picture := range pictures {
		group.Go(func() (err error) {
			all[i], err = r.pixels(ctx, picture)
			return err
		})
	}
	return all, group.Wait()
}

func toUnit(vector []float32) {
	square := 0.0
	for _, value := range vector {
		square += float64(value) * float64(value)
	}
	if square == 0 {
		return // of pictures that cancel out
	}
	for i := range vector {
		vector[i] = float32(float64(vector[i]) / math.Sqrt(square))
	}
}

// compared gives the pairs whose texts a step looks at, and how well each of them
// describes each picture that it is compared with, [T, B].
func (r *run) compared(loaded batch.Loaded) (pairs []int, targets []float32) {
	switch {
	case r.texts != nil:
		return r.otherTexts(loaded)
	case r.vectors != nil:
		itself := func(column int) []int { return []int{column} } // a mean stands for a picture
		return loaded.Pairs, r.vectors.relevance(loaded.Pairs, len(r.vectors.column), itself)
	}
	return loaded.Pairs, transposed(loaded.Relevance(r.related), len(loaded.Pictures), len(loaded.Pairs))
}

// relevance is how well texts describe so many pictures, [T, B], where showing
// gives those that show the item of a column.
func (v items) relevance(texts []int, pictures int, showing func(column int) []int) []float32 {
	targets := make([]float32, len(texts)*pictures)
	for row, pair := range texts {
		for item, grade := range v.related.Items(pair) {
			column, trained := v.column[item]
			if !trained {
				continue
			}
			for _, picture := range showing(column) {
				targets[row*pictures+picture] = grade
			}
		}
	}
	return targets
}
