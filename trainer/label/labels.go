package label

import (
	"maps"
	"slices"

	"polylens/encoder/ort"
	"polylens/trainer/data"
)

// Labels are what the pictures of a set are labelled with.
type Labels struct {
	smoothing float64
	items     map[int]int    // column of an item
	texts     map[string]int // column of a text
	of        map[int][]int  // columns of the texts of an item
	shown     map[int]int    // item of a picture
}

// NewLabels labels the given pictures of a set. items says what each picture of the
// set shows; the texts of an item are those of all these pictures that show it.
func NewLabels(config Config, set *data.Set, items, pictures []int) *Labels {
	l := &Labels{smoothing: config.Smoothing, items: map[int]int{}, texts: map[string]int{}, of: map[int][]int{}, shown: map[int]int{}}
	having := map[string]map[int]bool{} // items of each text
	pairs := set.PairsOf()
	for _, picture := range pictures {
		item := items[picture]
		l.shown[picture] = item
		if _, ok := l.items[item]; !ok {
			l.items[item] = len(l.items)
		}
		for _, pair := range pairs[picture] {
			if one := set.Pairs[pair]; config.Language == "" || one.Language == config.Language {
				if having[one.Text] == nil {
					having[one.Text] = map[int]bool{}
				}
				having[one.Text][item] = true
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(having)) {
		if len(having[text]) < config.Shared {
			continue
		}
		column := len(l.texts)
		l.texts[text] = column
		for item := range having[text] {
			l.of[item] = append(l.of[item], column)
		}
	}
	return l
}

// Items is how many items are labels.
func (l *Labels) Items() int { return len(l.items) }

// Texts is how many texts are labels.
func (l *Labels) Texts() int { return len(l.texts) }

// Targets are the inputs of a step that looks at the pictures, for
// learner.Batch.Extra.
func (o *Objective) Targets(pictures []int) map[string]ort.Tensor {
	l, count := o.labels, int64(len(pictures))
	given := map[string]ort.Tensor{}
	if o.config.Items > 0 {
		given[itemInput] = ort.Floats(l.itemTargets(pictures), count, int64(len(l.items)))
	}
	if o.config.Texts > 0 && len(l.texts) > 0 {
		given[textInput] = ort.Floats(l.textTargets(pictures), count, int64(len(l.texts)))
	}
	return given
}

// itemTargets gives the item of each picture, and a little to all others.
func (l *Labels) itemTargets(pictures []int) []float32 {
	width := len(l.items)
	targets := make([]float32, len(pictures)*width)
	for i := range targets {
		targets[i] = float32(l.smoothing / float64(width))
	}
	for row, picture := range pictures {
		targets[row*width+l.items[l.shown[picture]]] += float32(1 - l.smoothing)
	}
	return targets
}

// textTargets gives the texts of each picture's item alike.
func (l *Labels) textTargets(pictures []int) []float32 {
	width := len(l.texts)
	targets := make([]float32, len(pictures)*width)
	for row, picture := range pictures {
		columns := l.of[l.shown[picture]]
		for _, column := range columns {
			targets[row*width+column] = 1 / float32(len(columns))
		}
	}
	return targets
}
