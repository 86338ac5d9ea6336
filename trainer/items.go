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
	"polylens/trainer/data"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/learner"
)

// checkAllItems is about batch.all_items.
func (c Config) checkAllItems() error {
	if c.Batch.AllItems && c.Selection.times() > 1 {
		return errors.New("batch.all_items looks at no pictures that could be selected: leave selection out")
	}
	return nil
}

// itemVectors are the mean vectors of all items that are trained on, which the
// texts of a batch are compared with: locked targets (LiT: Zhai et al. 2022,
// arXiv 2111.07991) without a picture to look at in a step.
type itemVectors struct {
	column map[int]int         // of an item
	having map[[2]string][]int // columns of the items that have a text in a language
	means  []float32           // [items, D]; nil before they are asked for
}

// openItems finds the items, if texts are to be compared with all of them.
func (r *run) openItems() error {
	if !r.config.Batch.AllItems {
		return nil
	}
	mode, err := learner.ParseMode(r.config.Mode, r.Model.config)
	if err != nil {
		return err
	}
	if mode.ChangesPictures(r.config.LoRA) {
		return fmt.Errorf("batch.all_items: mode %q changes the vectors of pictures, so that their means do not last: choose text-only or query, or leave it out", r.config.Mode)
	}
	v := &itemVectors{column: map[int]int{}, having: map[[2]string][]int{}}
	pairs := r.Material.Set.PairsOf()
	for _, picture := range r.Material.pictures(inspect.Training) {
		item := r.Material.Findings.Items[picture]
		if _, ok := v.column[item]; !ok {
			v.column[item] = len(v.column)
		}
		for _, pair := range pairs[picture] {
			v.add(r.Material.Set.Pairs[pair], v.column[item])
		}
	}
	if len(v.column) < 2 {
		return errors.New("batch.all_items: all pictures show one item, so that there is nothing to tell apart")
	}
	r.items = v
	return nil
}

func textOf(pair data.Pair) [2]string { return [2]string{pair.Language, pair.Text} }

// add notes that an item has a text.
func (v *itemVectors) add(pair data.Pair, column int) {
	key := textOf(pair)
	for _, known := range v.having[key] {
		if known == column {
			return
		}
	}
	v.having[key] = append(v.having[key], column)
}

// compared is how many pictures the texts of a step are compared with.
func (r *run) compared() int64 {
	if r.items != nil {
		return int64(len(r.items.column))
	}
	return int64(r.config.Batch.Pictures)
}

// itemMeans computes the mean vector of the pictures of each item, of length 1:
// [items, D].
func (r *run) itemMeans(ctx context.Context) (ort.Tensor, error) {
	v, width := r.items, r.Model.config.Dimension()
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
		start := r.items.column[r.Material.Findings.Items[pictures[i]]] * len(vector)
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

// relevance is how well each text of a batch describes each picture that it is
// compared with.
func (r *run) relevance(loaded batch.Loaded) []float32 {
	if r.items == nil {
		return transposed(loaded.Relevance(r.Material.Set), len(loaded.Pictures), len(loaded.Pairs))
	}
	width := len(r.items.column)
	targets := make([]float32, len(loaded.Pairs)*width)
	for row, number := range loaded.Pairs {
		pair := r.Material.Set.Pairs[number]
		for _, column := range r.items.having[textOf(pair)] {
			targets[row*width+column] = pair.Relevance
		}
	}
	return targets
}
