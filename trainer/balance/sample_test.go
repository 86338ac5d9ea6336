package balance

import (
	"math"
	"slices"
	"testing"
)

func TestSample(t *testing.T) {
	columns := biased(4000)
	result := weigh(t, columns, wanted)
	drawn := result.Sample(1, 0)
	if expected := result.Kept * 4000; math.Abs(float64(len(drawn))-expected) > 1 {
		t.Errorf("%d examples are drawn, the weights add up to %v", len(drawn), expected)
	}
	if !slices.Equal(drawn, result.Sample(1, 0)) {
		t.Error("the same seed and epoch draw differently")
	}
	if slices.Equal(drawn, result.Sample(1, 1)) || slices.Equal(drawn, result.Sample(2, 0)) {
		t.Error("another epoch or seed draws the same")
	}
	if !slices.IsSorted(drawn) || len(slices.Compact(slices.Clone(drawn))) != len(drawn) {
		t.Error("the drawn examples are out of order, or some are drawn twice")
	}
}

// TestSampleIsBalanced looks at the cells of a data set of zeros and ones.
func TestSampleIsBalanced(t *testing.T) {
	columns := repeated([]string{"s", "y"}, map[[3]float64]int{{1, 1}: 40, {1, 0}: 10, {0, 1}: 20, {0, 0}: 30})
	result := weigh(t, columns, Goal{Attributes: []Target{{"s", 0.5}}, Labels: []string{"y"}, MaxGap: leastLimit, MaxCorrelation: leastLimit})
	for epoch := range uint64(20) {
		counts := map[[2]float64]int{}
		for _, i := range result.Sample(7, epoch) {
			counts[[2]float64{columns[0].Values[i], columns[1].Values[i]}]++
		}
		for cell, want := range map[[2]float64]int{{1, 1}: 20, {1, 0}: 10, {0, 1}: 20, {0, 0}: 10} {
			if got := counts[cell]; got < want-1 || got > want+1 {
				t.Errorf("epoch %d: %d examples of %v are drawn, want %d", epoch, got, cell, want)
			}
		}
	}
}

// TestEveryExampleGetsItsShare draws many epochs.
func TestEveryExampleGetsItsShare(t *testing.T) {
	const epochs = 4000
	result := Result{Weights: []float64{0, 0.1, 0.5, 0.5, 0.5, 0.9, 1}, cell: []int{0, 1, 2, 2, 2, 3, 4}}
	counts := make([]float64, len(result.Weights))
	for epoch := range uint64(epochs) {
		for _, i := range result.Sample(3, epoch) {
			counts[i]++
		}
	}
	for i, weight := range result.Weights {
		if tolerance := 5 * math.Sqrt(weight*(1-weight)/epochs); math.Abs(counts[i]/epochs-weight) > tolerance+1e-12 {
			t.Errorf("example %d of weight %v is drawn in %v of the epochs", i, weight, counts[i]/epochs)
		}
	}
}
