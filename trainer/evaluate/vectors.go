package evaluate

import (
	"fmt"
	"math"
)

// lengthTolerance is how far the length of a unit vector may be from 1: vectors
// that were stored in 16 bits are off by up to 0.0005.
const lengthTolerance = 0.01

// leastLength is above the rounding of a sum of unit vectors that cancel out.
const leastLength = 1e-6

// CheckVectors reports whether all vectors are finite, of length 1 and of the same
// number of numbers. The error names the first one that is not, from 0; what says
// what they belong to, such as "pictures".
func CheckVectors(what string, vectors [][]float32) error {
	if len(vectors) == 0 {
		return fmt.Errorf("there are no vectors of %s", what)
	}
	for i, vector := range vectors {
		if len(vector) != len(vectors[0]) {
			return fmt.Errorf("vector %d of the %s has %d numbers, the first has %d", i, what, len(vector), len(vectors[0]))
		}
		length := lengthOf(vector)
		if math.IsNaN(length) || math.IsInf(length, 0) {
			return fmt.Errorf("vector %d of the %s is not finite: the model that gave it is broken", i, what)
		}
		if math.Abs(length-1) > lengthTolerance {
			return fmt.Errorf("vector %d of the %s has length %.4g, want 1: normalise it", i, what, length)
		}
	}
	return nil
}

func lengthOf(vector []float32) float64 {
	var sum float64
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// Unit is the vector of length 1 that points where vector does.
func Unit(vector []float32) ([]float32, error) {
	wide := make([]float64, len(vector))
	for i, x := range vector {
		wide[i] = float64(x)
	}
	return normalised(wide)
}

// normalized fails for what points nowhere.
func normalised(vector []float64) ([]float32, error) {
	var square float64
	for _, x := range vector {
		square += x * x
	}
	length := math.Sqrt(square)
	if !(length > leastLength) || math.IsInf(length, 0) {
		return nil, fmt.Errorf("a vector of length %.4g has no direction", length)
	}
	unit := make([]float32, len(vector))
	for i, x := range vector {
		unit[i] = float32(x / length)
	}
	return unit, nil
}

// width is the number of candidates that are scored in one pass over a query.
const width = 4

// scores are the inner products of query with up to width candidates; what is
// beyond them has no meaning. Each is summed in the order of the numbers, so
// that it does not depend on its neighbours. This is what ranking spends its time
// on: four sums at once are as fast as plain Go gets here.
func scores(query []float32, candidates [][]float32) [width]float32 {
	last := len(candidates) - 1
	row := func(i int) []float32 { return candidates[min(i, last)][:len(query)] }
	a, b, c, d := row(0), row(1), row(2), row(3)
	var sumA, sumB, sumC, sumD float32
	for i, x := range query {
		sumA += x * a[i]
		sumB += x * b[i]
		sumC += x * c[i]
		sumD += x * d[i]
	}
	return [width]float32{sumA, sumB, sumC, sumD}
}
