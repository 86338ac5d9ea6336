package optim

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"polylens/encoder/ort"
	"polylens/internal/needs"
)

func optimizer(t *testing.T, settings Settings) *Optimizer {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(environment, settings, ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// memoryOf is so many weights between -1 and 1, with everything else zero.
func memoryOf(size int, random *rand.Rand) Memory {
	memory := Memory{make([]float32, size), make([]float32, size), make([]float32, size), make([]float32, size)}
	for i := range memory.Weights {
		memory.Weights[i] = 2*random.Float32() - 1
	}
	return memory
}

func (m Memory) clone() Memory {
	return Memory{slices.Clone(m.Weights), slices.Clone(m.Gradients), slices.Clone(m.First), slices.Clone(m.Second)}
}

func (m Memory) equal(other Memory) bool {
	return sameBits(m.Weights, other.Weights) && sameBits(m.First, other.First) && sameBits(m.Second, other.Second)
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// reference is AdamW in float64, as algorithm 2 of arXiv 1711.05101 has it.
type reference struct {
	settings                 Settings
	weights, first, second   []float64
	beta1Power, beta2Power   float64
	largestNorm, smallestOne float64
}

func newReference(settings Settings, memory Memory) *reference {
	r := &reference{settings: settings, beta1Power: 1, beta2Power: 1, smallestOne: math.Inf(1)}
	for _, weight := range memory.Weights {
		r.weights = append(r.weights, float64(weight))
	}
	r.first, r.second = make([]float64, len(r.weights)), make([]float64, len(r.weights))
	return r
}

func (r *reference) step(gradients []float32, spans []Span, scale float64) (norm float64) {
	var square float64
	for _, span := range spans {
		for _, gradient := range gradients[span.Start:span.End] {
			square += float64(gradient) / scale * (float64(gradient) / scale)
		}
	}
	norm = math.Sqrt(square)
	r.largestNorm, r.smallestOne = max(r.largestNorm, norm), min(r.smallestOne, norm)
	shrink := 1 / scale
	if r.settings.Clip > 0 && norm > r.settings.Clip {
		shrink *= r.settings.Clip / norm
	}
	beta1, beta2 := r.settings.Beta1, r.settings.Beta2
	r.beta1Power, r.beta2Power = r.beta1Power*beta1, r.beta2Power*beta2
	for _, span := range spans {
		for i := span.Start; i < span.End; i++ {
			g := float64(gradients[i]) * shrink
			r.first[i] = beta1*r.first[i] + (1-beta1)*g
			r.second[i] = beta2*r.second[i] + (1-beta2)*g*g
			m, v := r.first[i]/(1-r.beta1Power), r.second[i]/(1-r.beta2Power)
			r.weights[i] -= span.Rate * (m/(math.Sqrt(v)+r.settings.Epsilon) + span.Decay*r.weights[i])
		}
	}
	return norm
}

// TestAgainstFloat64 updates over 50 steps several spans, of which one ends
// just behind a chunk and one is smaller than any, with what lies between them
// left alone.
func TestAgainstFloat64(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		scale    float64
	}{
		"clipped now and then": {Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1000}, 1},
		"scaled":               {Settings{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Clip: 1000}, 1024},
		"never clipped":        {Settings{Beta1: 0, Beta2: 0.5, Epsilon: 1e-3}, 3},
	} {
		t.Run(name, func(t *testing.T) { againstFloat64(t, test.settings, test.scale) })
	}
}

func againstFloat64(t *testing.T, settings Settings, scale float64) {
	const size = 2*chunk + 100
	a, random := optimizer(t, settings), rand.New(rand.NewPCG(1, 2))
	memory := memoryOf(size, random)
	before, want := memory.clone(), newReference(settings, memory)
	spans := []Span{
		{Start: 0, End: chunk + 1, Rate: 1e-2, Decay: 0.1},
		{Start: chunk + 1, End: chunk + 4, Rate: 3e-2},
		{Start: chunk + 20, End: size - 7, Rate: 1e-3, Decay: 0.5},
	}
	for step := range int64(50) {
		for i := range memory.Gradients {
			memory.Gradients[i] = float32(scale * random.NormFloat64() * float64(1+i%3) / float64(1+9*(step%2)))
		}
		got, err := a.Step(t.Context(), memory, spans, step, scale)
		if err != nil {
			t.Fatal(err)
		}
		if norm := want.step(memory.Gradients, spans, scale); math.Abs(got-norm) > 1e-5*norm {
			t.Fatalf("step %d: the norm is %v, want %v", step, got, norm)
		}
		spans[0].Rate *= 0.97
	}
	if clip := settings.Clip; clip > 0 && (want.largestNorm < clip || want.smallestOne > clip) {
		t.Fatalf("norms go from %v to %v: the test clips all or nothing at %v", want.smallestOne, want.largestNorm, clip)
	}
	worst := 0.0
	for i, weight := range memory.Weights {
		worst = max(worst, math.Abs(float64(weight)-want.weights[i]))
	}
	if !(worst < 5e-6) {
		t.Errorf("a weight is off by %v", worst)
	}
	for _, untouched := range [][2]int{{chunk + 4, chunk + 20}, {size - 7, size}} {
		if !sameBits(memory.Weights[untouched[0]:untouched[1]], before.Weights[untouched[0]:untouched[1]]) {
			t.Errorf("weights %v have changed that are in no span", untouched)
		}
	}
}

// TestNoNumberChangesNothing puts what is no number into a gradient.
func TestNoNumberChangesNothing(t *testing.T) {
	a := optimizer(t, Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1})
	spans := []Span{{Start: 0, End: 10, Rate: 1}, {Start: 20, End: 30, Rate: 1}}
	for name, test := range map[string]struct {
		at    int
		value float64
		bad   bool
	}{
		"NaN": {25, math.NaN(), true}, "infinite": {3, math.Inf(-1), true}, "its square is infinite": {3, 1e30, true},
		"NaN in no span": {15, math.NaN(), false},
	} {
		memory := memoryOf(30, rand.New(rand.NewPCG(3, 4)))
		for i := range memory.Gradients {
			memory.Gradients[i] = 0.5
		}
		memory.Gradients[test.at] = float32(test.value)
		before := memory.clone()
		norm, err := a.Step(t.Context(), memory, spans, 0, 1)
		var unusable *NormError
		if errors.As(err, &unusable) != test.bad || memory.equal(before) != test.bad {
			t.Errorf("%s: %v, memory unchanged: %v", name, err, memory.equal(before))
		}
		if test.bad && math.Float64bits(unusable.Norm) != math.Float64bits(norm) {
			t.Errorf("%s: the error has the norm %v, the result %v", name, unusable.Norm, norm)
		}
	}
}

// TestInPlaceIsSafe compares an update in place with one into other memory.
func TestInPlaceIsSafe(t *testing.T) {
	settings := Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8}
	a, random := optimizer(t, settings), rand.New(rand.NewPCG(5, 6))
	for _, size := range []int{1, 7, 1000, chunk} {
		memory := memoryOf(size, random)
		for i := range size {
			memory.Gradients[i], memory.First[i], memory.Second[i] = random.Float32()-0.5, random.Float32()-0.5, random.Float32()
		}
		apart := memoryOf(size, random)
		scalars := settings.scalars(Span{Rate: 1e-2, Decay: 0.1}, 5, 0.7)
		inputs := slices.Concat(scalars, []ort.Tensor{
			part(memory.Gradients, 0, size), part(memory.Weights, 0, size), part(memory.First, 0, size), part(memory.Second, 0, size),
		})
		outputs := []ort.Tensor{part(apart.First, 0, size), part(apart.Second, 0, size), part(apart.Weights, 0, size)}
		if err := a.update.RunInto(t.Context(), inputs, outputs); err != nil {
			t.Fatal(err)
		}
		if err := a.apply(t.Context(), memory, 0, size, scalars); err != nil {
			t.Fatal(err)
		}
		if !memory.equal(apart) {
			t.Errorf("%d weights: an update in place gives something else", size)
		}
	}
}
