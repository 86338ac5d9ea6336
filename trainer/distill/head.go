package distill

import (
	"polylens/encoder/graph"
	"polylens/trainer/learner"
)

// Prefix begins the names of all parameters and inputs.
const Prefix = "distill."

// declare declares a parameter, or gives its average.
type declare func(name string, start start, shape ...int64) *graph.Value

// start fills a parameter before the first step.
type start = func(values []float32, random learner.Random)

// normal is DINO's start of linear layers. Prototypes begin alike: their
// lengths do not matter.
func normal(values []float32, random learner.Random) {
	for i := range values {
		values[i] = float32(0.02 * random.NormFloat64())
	}
}

func zeros(values []float32, _ learner.Random) { clear(values) }

// scores are the cosines [M, K] of features [M, D] with the prototypes of a
// head, which ends in a layer of weight norm 1 in DINO.
func (c Config) scores(head string, features *graph.Value, declare declare) *graph.Value {
	linear := func(name string, x *graph.Value, out int64) *graph.Value {
		weight := declare(head+name+".weight", normal, out, x.Shape[1])
		return graph.Linear(x, weight, declare(head+name+".bias", zeros, out))
	}
	x := graph.Gelu(linear("fc1", features, c.Hidden))
	x = graph.Gelu(linear("fc2", x, c.Hidden))
	x = graph.Unit(linear("fc3", x, c.Embedding))
	return graph.Linear(x, graph.Unit(declare(head+"prototypes", normal, c.Prototypes, c.Embedding)), nil)
}
