// Package learnertest holds what tests of steps share. It is for tests alone.
package learnertest

import (
	"math"
	"slices"
	"testing"

	"polylens/trainer/learner"
)

// CompareAlong compares the gradient of a step with a difference of losses along
// it. step computes a loss and its gradients into the state of the learner, whose
// weights are changed.
func CompareAlong(t testing.TB, l *learner.Learner, step func() float64) {
	t.Helper()
	step()
	gradient, weights := slices.Clone(l.State.Gradients), slices.Clone(l.State.Weights)
	square := 0.0
	for _, g := range gradient {
		square += float64(g) * float64(g)
	}
	length := 1e-2 / math.Sqrt(square)
	along := func(by float64) float64 {
		for i, weight := range weights {
			l.State.Weights[i] = weight + float32(by*float64(gradient[i]))
		}
		return step()
	}
	got := (along(length) - along(-length)) / (2 * length)
	if !(math.Abs(got/square-1) <= 0.02) {
		t.Errorf("the loss grows by %g along the gradient, want %g", got, square)
	}
}
