package learner_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/ort"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// TestUnmetRowsCostNothing: an update leaves out the rows of a table that no
// batch has met, gives the weights that one of all rows would give, and knows
// the rows again when the memory was filled from a checkpoint.
func TestUnmetRowsCostNothing(t *testing.T) {
	l := tiny(t, "text-only", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
	batch := tinyParts(t, l, 1)[0]
	for i := range batch.Texts.Ints {
		batch.Texts.Ints[i] %= 20 // two blocks of rows
	}
	batch.Targets = allRelated(tinyBatch)
	if _, err := l.Step(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	partial := l.State.Spans(constant)
	want := updated(t, l.State, []optim.Span{{Start: 0, End: len(l.State.Weights), Rate: 1e-3}})
	got := updated(t, l.State, partial)
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-7 { // the last elements of a span are rounded otherwise
			t.Fatalf("weight %d is %v, an update of everything gives %v", i, got[i], want[i])
		}
	}
	if covered(partial) > len(l.State.Weights)-200*24 {
		t.Errorf("%d of %d weights are updated, though most rows of the vocabulary were not met", covered(partial), len(l.State.Weights))
	}
	l.State.Restored()
	if again := l.State.Spans(constant); covered(again) != covered(partial) {
		t.Errorf("%d weights are updated after restoring, %d before", covered(again), covered(partial))
	}
}

// TestGradientsOfRowsAreCleared: what a batch has met does not stay for the
// next one.
func TestGradientsOfRowsAreCleared(t *testing.T) {
	l := tiny(t, "text-only", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
	batches := tinyParts(t, l, 2)
	for i := range batches {
		batches[i].Targets = allRelated(tinyBatch)
	}
	if _, err := l.Step(t.Context(), batches[0]); err != nil {
		t.Fatal(err)
	}
	first := append([]float32(nil), l.State.Gradients...)
	for _, batch := range []learner.Batch{batches[1], batches[0]} {
		if _, err := l.Step(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range first {
		if l.State.Gradients[i] != want {
			t.Fatalf("gradient %d is %v after another batch, %v before", i, l.State.Gradients[i], want)
		}
	}
	l.State.ClearGradients()
	for i, left := range l.State.Gradients {
		if left != 0 {
			t.Fatalf("gradient %d is %v after clearing", i, left)
		}
	}
}

// TestHeldRowsStay: of rows that all meet a gradient, those that are not asked
// for stay as they are, also beside the ones that learn.
func TestHeldRowsStay(t *testing.T) {
	l := tiny(t, "text-only", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
	batch := tinyParts(t, l, 1)[0]
	for i := range batch.Texts.Ints {
		batch.Texts.Ints[i] = int64(i % 40)
	}
	batch.Targets = allRelated(tinyBatch)
	if !l.State.Restrict([]int64{3, 17}) {
		t.Fatal("the text tower has no vocabulary")
	}
	if _, err := l.Step(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	after := updated(t, l.State, l.State.Spans(constant))
	for _, parameter := range l.State.Parameters {
		if !strings.HasSuffix(parameter.Name, "token_embedding.weight") {
			continue
		}
		width := int(parameter.Shape[1])
		for row := range int(parameter.Shape[0]) {
			before, now := parameter.In(l.State.Weights)[row*width:(row+1)*width], parameter.In(after)[row*width:(row+1)*width]
			if learns := row == 3 || row == 17; learns == slices.Equal(before, now) {
				t.Errorf("row %d: learns %v, want %v", row, !learns, learns)
			}
		}
	}
}

func constant(learner.Parameter) (rate, decay float64) { return 1e-3, 0 }

func covered(spans []optim.Span) int {
	total := 0
	for _, span := range spans {
		total += span.End - span.Start
	}
	return total
}

// updated gives the weights after an update, whose moments stay in the state.
func updated(t *testing.T, state *learner.State, spans []optim.Span) []float32 {
	t.Helper()
	optimizer, err := optim.New(environment(t), optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer optimizer.Close()
	memory := state.Memory
	memory.Weights = append([]float32(nil), state.Weights...)
	clear(memory.First)
	clear(memory.Second)
	if _, err := optimizer.Step(t.Context(), memory, spans, 0, 1); err != nil {
		t.Fatal(err)
	}
	return memory.Weights
}

// TestMuonSpans: with Muon, matrices of blocks are spans of their own that know
// their rows, and everything else is as without.
func TestMuonSpans(t *testing.T) {
	l := tiny(t, "full", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
	without := covered(l.State.Spans(constant))
	l.State.Muon = true
	spans := l.State.Spans(constant)
	if covered(spans) < without-len(l.State.Parameters)*16 {
		t.Errorf("%d weights are updated, %d without Muon", covered(spans), without)
	}
	for _, parameter := range l.State.Parameters {
		inner := strings.Contains(parameter.Name, "layers.") || strings.Contains(parameter.Name, "head.mlp.")
		columns := 0
		if inner && len(parameter.Shape) == 2 {
			columns = int(parameter.Shape[1])
		}
		for _, span := range spans {
			if parameter.Offset < span.Start || parameter.Offset >= span.End {
				continue
			}
			if span.Columns != columns || columns > 0 && (span.Start != parameter.Offset || span.End != parameter.Offset+parameter.Elements()) {
				t.Errorf("%s is in %+v, want rows of %d", parameter.Name, span, columns)
			}
		}
	}
}
