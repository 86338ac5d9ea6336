package database

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"polylens/indexer/catalog"
)

func thinned(most int, steps []int64, values []float64) catalog.RunSeries {
	thin := newThinning(runExtent{count: len(steps), first: steps[0], last: steps[len(steps)-1]}, most)
	for i, step := range steps {
		thin.add(step, values[i])
	}
	return thin.done()
}

func TestThinning(t *testing.T) {
	steps := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	values := []float64{5, 4, 9, 4, 3, math.NaN(), 2, 8, 1, 1, 0}
	for _, test := range []struct {
		most int
		want string
	}{
		{0, "{ [0 1 2 3 4 5 6 7 8 9 10] [5 4 9 4 3 NaN 2 8 1 1 0]}"},
		{11, "{ [0 1 2 3 4 5 6 7 8 9 10] [5 4 9 4 3 NaN 2 8 1 1 0]}"},
		{10, "{ [0 1 2 3 4 5 6 8 10] [5 4 9 4 3 NaN 2 1 0]}"},
		{4, "{ [0 5 8 10] [5 NaN 1 0]}"},
	} {
		if got := fmt.Sprint(thinned(test.most, steps, values)); got != test.want {
			t.Errorf("at most %d: %s, want %s", test.most, got, test.want)
		}
	}
}

// TestThinningKeepsPeaks: for many curves, no more points than asked for, in
// order, all of them real, and among them the first, the last and the extremes.
func TestThinningKeepsPeaks(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		n, most := 5+random.IntN(500), 4+random.IntN(60)
		steps, values := make([]int64, n), make([]float64, n)
		at := make(map[int64]float64)
		step := int64(random.IntN(3))
		for i := range steps {
			steps[i], values[i] = step, random.NormFloat64()
			at[step] = values[i]
			step += 1 + random.Int64N(1<<random.IntN(50))
		}
		got := thinned(most, steps, values)
		if len(got.Steps) > most || !slices.IsSorted(got.Steps) || len(slices.Compact(slices.Clone(got.Steps))) != len(got.Steps) {
			t.Fatalf("seed %d: %d points of at most %d: %v", seed, len(got.Steps), most, got.Steps)
		}
		for i, step := range got.Steps {
			if value, real := at[step]; !real || value != got.Values[i] {
				t.Errorf("seed %d: step %d is made up", seed, step)
			}
		}
		if got.Steps[0] != steps[0] || got.Steps[len(got.Steps)-1] != steps[n-1] {
			t.Errorf("seed %d: it begins at %d and ends at %d", seed, got.Steps[0], got.Steps[len(got.Steps)-1])
		}
		if slices.Min(got.Values) != slices.Min(values) || slices.Max(got.Values) != slices.Max(values) {
			t.Errorf("seed %d: an extreme is lost", seed)
		}
	}
}
