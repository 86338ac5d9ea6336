package label_test

import (
	"math"
	"testing"

	"polylens/encoder/ort"
	"polylens/trainer/label"
	"polylens/trainer/learner"
	"polylens/trainer/learner/learnertest"
)

func TestNameTargets(t *testing.T) {
	given := label.Names{}.Targets([]float32{1, 0, 1, 0, 0, 0, 0, 0.5, 0}, 3)
	expect(t, given["label.name_targets"], []float32{0.5, 0, 0.5, 0, 0, 0, 0, 1, 0})
}

// TestNames compares the loss with its formula, and the gradient with a
// difference of losses along it.
func TestNames(t *testing.T) {
	const texts, items = 3, 5
	names := label.Names{Weight: 2, Scale: 8}
	l, dimension := openTiny(t, "text-only", learner.Plan{Texts: texts, Pictures: items, Objectives: []learner.Objective{names}})
	ids := make([]int64, texts*12)
	for i := range ids {
		ids[i] = int64(4 + i*i%7)
	}
	pictures := make([]float32, items*dimension)
	for i := range pictures {
		pictures[i] = float32(math.Sin(float64(i)*1.7)) / float32(math.Sqrt(float64(dimension)/2))
	}
	relevance := []float32{1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1}
	batch := learner.Batch{
		Texts: ort.Ints(ids, texts, 12), Pictures: ort.Floats(pictures, items, int64(dimension)),
		Targets: relevance, Extra: names.Targets(relevance, texts),
	}
	step := func() map[string]float64 {
		reports, err := l.Step(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		return reports
	}
	reports := step()
	vectors, err := l.EncodeTexts(t.Context(), batch.Texts)
	if err != nil {
		t.Fatal(err)
	}
	want := surprise(vectors.Floats, pictures, batch.Extra["label.name_targets"].Floats, dimension, names.Scale)
	if got := reports[label.NameReport]; math.Abs(got-want) > 1e-4 {
		t.Errorf("the loss is %g, want %g", got, want)
	}
	learnertest.CompareAlong(t, l, func() float64 { return step()["loss"] })
}

// surprise is the mean cross entropy of a softmax over rows of b.
func surprise(a, b, targets []float32, dimension int, scale float64) float64 {
	rows, columns, loss := len(a)/dimension, len(b)/dimension, 0.0
	for i := range rows {
		scores, sum := make([]float64, columns), 0.0
		for j := range columns {
			for k := range dimension {
				scores[j] += scale * float64(a[i*dimension+k]) * float64(b[j*dimension+k])
			}
			sum += math.Exp(scores[j])
		}
		for j, score := range scores {
			loss += float64(targets[i*columns+j]) * (math.Log(sum) - score) / float64(rows)
		}
	}
	return loss
}
