package caption

import "polylens/trainer/learner"

// start fills a parameter before the first step.
type start = func(values []float32, random learner.Random)

func normal(deviation float64) start {
	return func(values []float32, random learner.Random) {
		for i := range values {
			values[i] = float32(deviation * random.NormFloat64())
		}
	}
}

func uniform(bound float64) start {
	return func(values []float32, random learner.Random) {
		for i := range values {
			values[i] = float32(bound * (2*random.Float64() - 1))
		}
	}
}

func ones(values []float32, _ learner.Random) {
	for i := range values {
		values[i] = 1
	}
}

func zeros(values []float32, _ learner.Random) { clear(values) }
