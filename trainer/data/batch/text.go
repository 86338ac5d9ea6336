package batch

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

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
	return s.drawTexts(s.pairs[picture], forTexts, uint64(epoch), uint64(picture))
}

// Among draws as many of the given pairs for a step in the same way; its number
// distinguishes one draw of a step from another.
func (s *Sampler) Among(pairs []int, step, number int) []int {
	return s.drawTexts(pairs, forOthers, uint64(step), uint64(number))
}

func (s *Sampler) drawTexts(pairs []int, purpose ...uint64) []int {
	drawn := make([]int, 0, s.options.Texts)
	if len(pairs) > 1 {
		pairs = s.shuffle(pairs, random.New(append([]uint64{s.options.Seed}, purpose...)...))
	}
	for len(drawn) < s.options.Texts {
		drawn = append(drawn, pairs[len(drawn)%len(pairs)])
	}
	return drawn
}

// shuffle puts pairs into a random order that takes one after the other in
// proportion to its weight (Efraimidis and Spirakis, "Weighted random sampling
// with a reservoir", 2006: in order of exponential variables).
func (s *Sampler) shuffle(pairs []int, r *rand.Rand) []int {
	type ticket struct {
		time float64
		pair int
	}
	tickets := make([]ticket, len(pairs))
	for i, pair := range pairs {
		tickets[i] = ticket{r.ExpFloat64() / s.weights[pair], pair}
	}
	slices.SortStableFunc(tickets, func(a, b ticket) int { return cmp.Compare(a.time, b.time) })
	shuffled := make([]int, len(tickets))
	for i, t := range tickets {
		shuffled[i] = t.pair
	}
	return shuffled
}

// Relevance is what the loss aims at, [Size, Size*Texts] row by row: how well the
// text of a pair describes the item of a picture.
func (b Batch) Relevance(related *Related) []float32 {
	target := make([]float32, 0, len(b.Pictures)*len(b.Pairs))
	for _, item := range b.Items {
		for _, pair := range b.Pairs {
			target = append(target, related.Grade(pair, item))
		}
	}
	return target
}
