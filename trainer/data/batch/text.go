package batch

import (
	"cmp"
	"math"
	"slices"

	"polylens/trainer/data"
	"polylens/trainer/data/internal/random"
)

// weigh gives each pair the weight with which its text is drawn.
func (s *Sampler) weigh() []float64 {
	count := make(map[string]int)
	for _, picture := range s.pictures {
		for _, pair := range s.pairs[picture] {
			count[s.set.Pairs[pair].Language]++
		}
	}
	weights := make([]float64, len(s.set.Pairs))
	for i, pair := range s.set.Pairs {
		weights[i] = math.Pow(float64(max(count[pair.Language], 1)), 1/s.options.LanguageTemperature-1)
	}
	return weights
}

// Texts draws the pairs of a picture for an epoch, without repetition as far as
// they reach.
func (s *Sampler) Texts(epoch, picture int) []int {
	pairs := s.pairs[picture]
	drawn := make([]int, 0, s.options.Texts)
	if len(pairs) > 1 {
		pairs = s.shuffle(epoch, picture)
	}
	for len(drawn) < s.options.Texts {
		drawn = append(drawn, pairs[len(drawn)%len(pairs)])
	}
	return drawn
}

// shuffle puts the pairs of a picture into a random order that takes one after
// the other in proportion to its weight (Efraimidis and Spirakis, "Weighted
// random sampling with a reservoir", 2006: in order of exponential variables).
func (s *Sampler) shuffle(epoch, picture int) []int {
	r := random.New(s.options.Seed, forTexts, uint64(epoch), uint64(picture))
	type ticket struct {
		time float64
		pair int
	}
	tickets := make([]ticket, len(s.pairs[picture]))
	for i, pair := range s.pairs[picture] {
		tickets[i] = ticket{r.ExpFloat64() / s.weights[pair], pair}
	}
	slices.SortStableFunc(tickets, func(a, b ticket) int { return cmp.Compare(a.time, b.time) })
	pairs := make([]int, len(tickets))
	for i, t := range tickets {
		pairs[i] = t.pair
	}
	return pairs
}

// Relevance is what the loss aims at, [Size, Size*Texts] row by row: for a
// picture and the text of a pair, the relevance of the pair where both are of
// one item, else 0.
func (b Batch) Relevance(set *data.Set) []float32 {
	target := make([]float32, len(b.Pictures)*len(b.Pairs))
	texts := len(b.Pairs) / max(len(b.Pictures), 1)
	for i, item := range b.Items {
		for j, pair := range b.Pairs {
			if b.Items[j/texts] == item {
				target[i*len(b.Pairs)+j] = set.Pairs[pair].Relevance
			}
		}
	}
	return target
}
