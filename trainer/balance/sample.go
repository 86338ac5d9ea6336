package balance

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// stream keeps these draws apart from others of the same seed.
const stream = 0x62616c616e636500

// Sample draws the examples of an epoch, ascending: each with the probability
// of its weight, and as many as the weights add up to, to the next whole
// number. Equal examples are drawn in proportion as far as whole numbers allow,
// so that small data is balanced too. The same seed and epoch draw the same.
func (r Result) Sample(seed, epoch uint64) []int {
	random := rand.New(rand.NewPCG(seed^stream, epoch))
	order := random.Perm(len(r.Weights))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.cell[a], r.cell[b]) })
	var drawn []int
	at := random.Float64() // systematic sampling: one example for each whole number that is passed
	for _, example := range order {
		if at += r.Weights[example]; at >= 1 {
			at--
			drawn = append(drawn, example)
		}
	}
	slices.Sort(drawn)
	return drawn
}
