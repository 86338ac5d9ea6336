package learnability

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// unit makes rows of unit length.
func unit(rows [][]float64) (flat []float32) {
	for _, row := range rows {
		square := 0.0
		for _, value := range row {
			square += value * value
		}
		for _, value := range row {
			flat = append(flat, float32(value/math.Sqrt(square)))
		}
	}
	return flat
}

// noisy has images around random directions and texts around the images: the
// better the model, the less the noise. Every eighth pair is noise alone, which
// no model can learn.
func noisy(pairs, width int, noise float64, seed uint64) Model {
	random := rand.New(rand.NewPCG(seed, 1))
	concepts := rand.New(rand.NewPCG(99, uint64(width)))
	var images, texts [][]float64
	for i := range pairs {
		image, text := make([]float64, width), make([]float64, width)
		for k := range image {
			concept := concepts.NormFloat64()
			image[k] = concept + 0.3*noise*random.NormFloat64()
			text[k] = concept + noise*random.NormFloat64()
			if i%8 == 0 {
				text[k] = random.NormFloat64()
			}
		}
		images, texts = append(images, image), append(texts, text)
	}
	return Model{Images: unit(images), Texts: unit(texts), Width: width, Scale: 10, Bias: -5}
}

// byHand is the same sampling, from the whole matrix of scores, in the words of
// JEST's algorithm.
func byHand(s Sampler, step uint64, learner, teacher Model) []int {
	pairs := learner.pairs()
	scores := make([][]float64, pairs)
	for i := range scores {
		for j := range pairs {
			scores[i] = append(scores[i], slowLoss(learner, i, j)-slowLoss(teacher, i, j))
		}
	}
	random := rand.New(rand.NewPCG(s.Seed^stream, step))
	sampled := make([]bool, pairs)
	var chosen []int
	for c := range s.Chunks {
		best := make([]float64, pairs)
		for i := range pairs {
			best[i] = scores[i][i]
			for j := range pairs {
				if sampled[j] {
					best[i] += scores[i][j] + scores[j][i]
				}
			}
			best[i] = s.Gain*best[i] - math.Log(-math.Log(1-random.Float64()))
		}
		for range s.Size*(c+1)/s.Chunks - len(chosen) {
			next := -1
			for i := range pairs {
				if !slices.Contains(chosen, i) && (next < 0 || best[i] > best[next]) {
					next = i
				}
			}
			chosen = append(chosen, next)
		}
		for _, i := range chosen {
			sampled[i] = true
		}
	}
	slices.Sort(chosen)
	return chosen
}

// slowLoss is -log sigmoid(z * logit).
func slowLoss(m Model, i, j int) float64 {
	sum := 0.0
	for k := range m.Width {
		sum += float64(m.Images[i*m.Width+k]) * float64(m.Texts[j*m.Width+k])
	}
	z := -1.0
	if i == j {
		z = 1
	}
	return -math.Log(1 / (1 + math.Exp(-z*(m.Scale*sum+m.Bias))))
}

func choose(t *testing.T, s Sampler, step uint64, learner, teacher Model) []int {
	t.Helper()
	chosen, err := s.Choose(step, learner, teacher)
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) != s.Size || !slices.IsSorted(chosen) || len(slices.Compact(slices.Clone(chosen))) != s.Size {
		t.Fatalf("%v are no %d pairs in order", chosen, s.Size)
	}
	return chosen
}

func TestAsByHand(t *testing.T) {
	for _, test := range []struct {
		pairs, width, size, chunks int
		gain                       float64
	}{{40, 8, 20, 4, 1}, {41, 7, 19, 5, 1}, {33, 16, 33, 3, 1}, {64, 5, 9, 9, 4}, {16, 4, 1, 1, 1}, {50, 12, 25, 2, 0.1}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			learner, teacher := noisy(test.pairs, test.width, 2, 1), noisy(test.pairs, test.width+3, 0.5, 2)
			teacher.Scale, teacher.Bias = 20, -9
			for step := range uint64(10) {
				s := Sampler{Size: test.size, Chunks: test.chunks, Gain: test.gain, Seed: 11}
				if got, want := choose(t, s, step, learner, teacher), byHand(s, step, learner, teacher); !slices.Equal(got, want) {
					t.Errorf("step %d: %v are chosen, want %v", step, got, want)
				}
			}
		})
	}
}

func TestDeterministic(t *testing.T) {
	learner, teacher := noisy(100, 16, 2, 1), noisy(100, 16, 0.5, 2)
	s := Sampler{Size: 40, Seed: 5}
	first := choose(t, s, 3, learner, teacher)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !slices.Equal(first, choose(t, s, 3, learner, teacher)) {
		t.Error("one worker chooses otherwise than several")
	}
	if slices.Equal(first, choose(t, s, 4, learner, teacher)) {
		t.Error("another step chooses the same")
	}
	s.Seed = 6
	if slices.Equal(first, choose(t, s, 3, learner, teacher)) {
		t.Error("another seed chooses the same")
	}
}

// greedy takes the best, whatever the noise.
const greedy = 1e6

// plane are vectors at angles of the plane, in degrees.
func plane(angles ...float64) (flat []float32) {
	for _, angle := range angles {
		sin, cos := math.Sincos(angle * math.Pi / 180)
		flat = append(flat, float32(cos), float32(sin))
	}
	return flat
}

func TestHandCases(t *testing.T) {
	teacher := Model{Images: plane(0, 90, 180, 270), Texts: plane(0, 90, 180, 270), Width: 2, Scale: 10, Bias: -5}
	for _, test := range []struct {
		name   string
		texts  []float32 // of the learner, whose images are the teacher's
		size   int
		chunks int
		want   []int
	}{
		// Texts further from their images are lost by more.
		{"the least known alone", plane(10, 140, 200, 290), 1, 1, []int{1}},
		{"the two least known", plane(10, 140, 200, 300), 2, 1, []int{1, 3}},
		// Text 0 has strayed to image 1. By themselves the pairs 2 and 3 are less
		// known than pair 1, but beside pair 0 it is the one to be taken for it.
		{"with what it is taken for", plane(85, 89, 180, 270), 2, 2, []int{0, 1}},
		{"independently", plane(85, 89, 172, 278), 2, 1, []int{0, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := teacher
			learner.Texts = test.texts
			s := Sampler{Size: test.size, Chunks: test.chunks, Gain: greedy}
			if got := choose(t, s, 0, learner, teacher); !slices.Equal(got, test.want) {
				t.Errorf("%v are chosen, want %v", got, test.want)
			}
		})
	}
}

// TestProbabilities draws single pairs and counts.
func TestProbabilities(t *testing.T) {
	const draws = 20_000
	learner, teacher := noisy(4, 3, 2, 1), noisy(4, 3, 0.5, 2)
	var odds, total [4]float64
	var sum float64
	for i := range odds {
		odds[i] = math.Exp(2 * (slowLoss(learner, i, i) - slowLoss(teacher, i, i)))
		sum += odds[i]
	}
	for step := range uint64(draws) {
		total[choose(t, Sampler{Size: 1, Gain: 2}, step, learner, teacher)[0]]++
	}
	for i := range odds {
		p := odds[i] / sum
		if got := total[i] / draws; math.Abs(got-p) > 5*math.Sqrt(p*(1-p)/draws) {
			t.Errorf("pair %d is drawn in %v of the cases, want %v", i, got, p)
		}
	}
}

// TestMoreLearnable compares the chosen sub-batches with random ones, and looks
// for pairs that nobody can learn.
func TestMoreLearnable(t *testing.T) {
	learner, teacher := noisy(256, 32, 3, 1), noisy(256, 32, 0.3, 2)
	var gained, random float64
	hopeless := 0
	for step := range uint64(10) {
		chosen := choose(t, Sampler{Size: 64, Seed: 1}, step, learner, teacher)
		gained += learnability(learner, teacher, chosen) / 10
		random += learnability(learner, teacher, rand.New(rand.NewPCG(step, 0)).Perm(256)[:64]) / 10
		for _, i := range chosen {
			if i%8 == 0 {
				hopeless++
			}
		}
	}
	t.Logf("learnability %.3f chosen, %.3f at random; %d of 640 hopeless", gained, random, hopeless)
	if gained < random+0.2*math.Abs(random) {
		t.Errorf("the learnability is %v, of random choices %v", gained, random)
	}
	if hopeless > 640/8/2 {
		t.Errorf("%d of 640 chosen pairs cannot be learned, at random it were 80", hopeless)
	}
}

// learnability is the mean over the chosen pairs of what the learner loses more
// than the teacher in a batch of just these pairs.
func learnability(learner, teacher Model, chosen []int) float64 {
	var sum float64
	for _, i := range chosen {
		for _, j := range chosen {
			sum += slowLoss(learner, i, j) - slowLoss(teacher, i, j)
		}
	}
	return sum / float64(len(chosen))
}

func TestRefused(t *testing.T) {
	nan, infinite := float32(math.NaN()), float32(math.Inf(1))
	for _, test := range []struct {
		name   string
		change func(s *Sampler, learner, teacher *Model)
		want   string
	}{
		{"learner's image", func(_ *Sampler, m, _ *Model) { m.Images[9] = nan }, "the learner: the vector of image 1 holds values that are not finite"},
		{"learner's text", func(_ *Sampler, m, _ *Model) { m.Texts[0] = infinite }, "the learner: the vector of text 0 holds"},
		{"teacher's image", func(_ *Sampler, _, m *Model) { m.Images[79] = nan }, "the teacher: the vector of image 9 holds"},
		{"teacher's text", func(_ *Sampler, _, m *Model) { m.Texts[79] = -infinite }, "the teacher: the vector of text 9 holds"},
		{"scale", func(_ *Sampler, m, _ *Model) { m.Scale = math.NaN() }, "the scale is NaN"},
		{"scale of zero", func(_ *Sampler, _, m *Model) { m.Scale = 0 }, "the teacher: the scale is 0"},
		{"bias", func(_ *Sampler, m, _ *Model) { m.Bias = math.Inf(-1) }, "the bias is -Inf"},
		{"length", func(_ *Sampler, m, _ *Model) { m.Images[0] += 5 }, "the vector of image 0 has the length"},
		{"width", func(_ *Sampler, m, _ *Model) { m.Width = 0 }, "80 values are no image vectors of width 0"},
		{"rows", func(_ *Sampler, m, _ *Model) { m.Width = 7 }, "80 values are no image vectors of width 7"},
		{"texts", func(_ *Sampler, m, _ *Model) { m.Texts = m.Texts[8:] }, "80 values of images stand against 72 of texts"},
		{"pairs", func(_ *Sampler, m, _ *Model) { m.Images, m.Texts = m.Images[8:], m.Texts[8:] }, "the learner has 9 pairs, the teacher 10"},
		{"nothing", func(_ *Sampler, m, _ *Model) { m.Images, m.Texts = nil, nil }, "0 values are no image vectors"},
		{"size", func(s *Sampler, _, _ *Model) { s.Size = 11 }, "a sub-batch of 11 pairs cannot be chosen from 10"},
		{"no size", func(s *Sampler, _, _ *Model) { s.Size = 0 }, "a sub-batch of 0 pairs"},
		{"chunks", func(s *Sampler, _, _ *Model) { s.Chunks = -1 }, "-1 chunks"},
		{"gain", func(s *Sampler, _, _ *Model) { s.Gain = math.NaN() }, "a gain of NaN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, learner, teacher := Sampler{Size: 4}, noisy(10, 8, 2, 1), noisy(10, 8, 0.5, 2)
			test.change(&s, &learner, &teacher)
			if _, err := s.Choose(0, learner, teacher); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func BenchmarkChoose(b *testing.B) {
	for _, pairs := range []int{64, 256, 1024} {
		b.Run(fmt.Sprintf("%d of %d", pairs/2, pairs), func(b *testing.B) {
			learner, teacher := noisy(pairs, 768, 2, 1), noisy(pairs, 1152, 0.5, 2)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (Sampler{Size: pairs / 2}).Choose(0, learner, teacher); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
