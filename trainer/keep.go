package trainer

import (
	"fmt"
	"slices"

	"polylens/trainer/data/batch"
	"polylens/trainer/learner"
)

// Keep says how much of pictures and texts the steps look at, to be faster. The last
// steps look at everything, as search does.
type Keep struct {
	Patches int64   `json:"patches"` // of each picture, different ones in each step; 0 looks at all
	Tokens  int64   `json:"tokens"`  // of each text at most, the first ones and the last position; 0 looks at all
	Until   float64 `json:"until"`   // share of the steps after which everything is looked at
}

func (k Keep) check() error {
	switch {
	case k.Patches < 0:
		return fmt.Errorf("keep.patches %d: want 1 or more, or 0 for all", k.Patches)
	case k.Tokens < 0 || k.Tokens == 1:
		return fmt.Errorf("keep.tokens %d: want 2 or more, or 0 for all", k.Tokens)
	case !(k.Until >= 0 && k.Until <= 1):
		return fmt.Errorf("keep.until %v: want 0 to 1", k.Until)
	}
	return nil
}

// byLength deals what was loaded for a step out to its parts by the length of
// texts, so that each part looks at no more tokens than its own texts need. It
// does so where it makes no difference which texts share a part.
func (r *run) byLength(loaded []batch.Loaded) []batch.Loaded {
	if r.keep().Tokens == 0 || r.vectors == nil || len(loaded) == 1 {
		return loaded
	}
	var lengths []int
	for _, one := range loaded {
		for pairs := range slices.Chunk(one.Pairs, r.config.Batch.Texts) {
			lengths = append(lengths, r.Model.longest(r.Material.textsOf(pairs)))
		}
	}
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	return r.regroup(loaded, order)
}

// keep is what the steps look at that come next.
func (r *run) keep() learner.Keep {
	k := r.config.Keep
	if float64(r.progress.Step) >= k.Until*float64(r.config.Steps) {
		return learner.Keep{}
	}
	return learner.Keep{Patches: k.Patches, Tokens: k.Tokens}
}

// keepAll lets the steps look at everything, once it is time.
func (r *run) keepAll() error {
	if r.keep() != (learner.Keep{}) {
		return nil
	}
	return r.learner.KeepAll()
}
