package learner_test

import (
	"slices"
	"strings"
	"testing"

	"polylens/trainer/learner"
)

// TestAverageOfAnAdapter: what an adapter adds to the model is scaled, which is
// the product of its matrices.
func TestAverageOfAnAdapter(t *testing.T) {
	l := tiny(t, "lora", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
	before := slices.Clone(l.State.Weights)
	if err := l.Average(0.75); err != nil {
		t.Fatal(err)
	}
	for i, parameter := range l.State.Parameters {
		factor := float32(1)
		if strings.HasSuffix(parameter.Name, "lora_B.weight") {
			factor = 0.25
		}
		for j, value := range parameter.In(before) {
			if got := l.State.Weight(i)[j]; got != factor*value {
				t.Fatalf("%s[%d] was %v and is %v, want %v times that", parameter.Name, j, value, got, factor)
			}
		}
	}
}
