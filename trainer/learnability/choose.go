package learnability

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Sampler chooses sub-batches.
type Sampler struct {
	Size   int     // pairs of a sub-batch
	Chunks int     // drawn one after the other; 0 stands for 16, as in JEST
	Gain   float64 // of the learnability before exp: larger is greedier; 0 stands for 1, as in JEST
	Seed   uint64
}

const (
	defaultChunks = 16
	defaultGain   = 1
	stream        = 0x6c6561726e616269 // keeps these draws apart from others of the same seed
)

// Choose returns the pairs of a sub-batch, ascending. The same seed, step and
// vectors give the same choice. It takes 4*n*Size dot products, and no memory
// that grows with n*n. Vectors that are not finite, or not of unit length, are
// an error.
func (s Sampler) Choose(step uint64, learner, teacher Model) ([]int, error) {
	if err := checkModels(learner, teacher); err != nil {
		return nil, err
	}
	if s.Size <= 0 || s.Size > learner.pairs() {
		return nil, fmt.Errorf("a sub-batch of %d pairs cannot be chosen from %d", s.Size, learner.pairs())
	}
	if s.Chunks < 0 || !(s.Gain >= 0) || math.IsInf(s.Gain, 0) {
		return nil, fmt.Errorf("%d chunks with a gain of %v are impossible", s.Chunks, s.Gain)
	}
	return s.choose(step, learner, teacher), nil
}

func (s Sampler) choose(step uint64, learner, teacher Model) []int {
	random := rand.New(rand.NewPCG(s.Seed^stream, step))
	gain := cmp.Or(s.Gain, defaultGain)
	chunks := min(cmp.Or(s.Chunks, defaultChunks), s.Size)
	scores := diagonal(learner, teacher)
	taken := make([]bool, len(scores))
	var chosen []int
	for c := range chunks {
		drawn := draw(random, scores, taken, gain, s.Size*(c+1)/chunks-len(chosen))
		for _, pair := range drawn {
			taken[pair] = true
		}
		chosen = append(chosen, drawn...)
		if c < chunks-1 {
			condition(scores, taken, drawn, learner, teacher)
		}
	}
	slices.Sort(chosen)
	return chosen
}

// draw takes count of the free pairs without replacement, with probabilities
// proportional to exp(gain*score): the largest after Gumbel noise was added
// (Kool et al. 2019, https://arxiv.org/abs/1903.06059).
func draw(random *rand.Rand, scores []float64, taken []bool, gain float64, count int) []int {
	keys := make([]float64, len(scores))
	var free []int
	for i, score := range scores {
		keys[i] = gain*score + gumbel(random)
		if !taken[i] {
			free = append(free, i)
		}
	}
	slices.SortFunc(free, func(a, b int) int { return cmp.Or(cmp.Compare(keys[b], keys[a]), cmp.Compare(a, b)) })
	return free[:count]
}

func gumbel(random *rand.Rand) float64 {
	return -math.Log(-math.Log(1 - random.Float64())) // of (0, 1]; at 1 infinite, once in 2^53
}

// diagonal is the learnability of each pair by itself.
func diagonal(learner, teacher Model) []float64 {
	scores := make([]float64, learner.pairs())
	for i := range scores {
		scores[i] = learner.loss(dot(learner.image(i), learner.text(i)), true) -
			teacher.loss(dot(teacher.image(i), teacher.text(i)), true)
	}
	return scores
}

// condition adds to the score of each free pair what it gains besides the pairs
// that were just drawn. Each score is the sum of one worker, in the order of
// the draw, so that the number of workers changes nothing.
func condition(scores []float64, taken []bool, drawn []int, learner, teacher Model) {
	learnerDrawn, teacherDrawn := learner.gather(drawn), teacher.gather(drawn)
	workers := runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			dots := make([]float32, len(drawn))
			for i := worker; i < len(scores); i += workers {
				if !taken[i] {
					scores[i] += learner.confusion(i, learnerDrawn, dots) - teacher.confusion(i, teacherDrawn, dots)
				}
			}
		})
	}
	group.Wait()
}

// gather is the model of some pairs, their vectors side by side.
func (m Model) gather(pairs []int) Model {
	part := Model{Width: m.Width, Scale: m.Scale, Bias: m.Bias}
	for _, i := range pairs {
		part.Images = append(part.Images, m.image(i)...)
		part.Texts = append(part.Texts, m.text(i)...)
	}
	return part
}

// confusion is the loss of pair i's image with all texts of others and of its
// text with all their images.
func (m Model) confusion(i int, others Model, dots []float32) float64 {
	var sum float64
	products(dots, m.image(i), others.Texts)
	for _, dot := range dots {
		sum += m.loss(dot, false)
	}
	products(dots, m.text(i), others.Images)
	for _, dot := range dots {
		sum += m.loss(dot, false)
	}
	return sum
}
