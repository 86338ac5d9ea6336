package learner_test

import (
	"slices"
	"strings"
	"testing"

	"polylens/trainer/learner"
	"polylens/trainer/learner/learnertest"
)

// lossOf is the loss of a batch by number.
func lossOf(t *testing.T, l *learner.Learner, batch learner.Batch, number uint64) float64 {
	t.Helper()
	batch.Number = number
	reports, err := l.Step(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return reports["loss"]
}

func opened(t *testing.T, mode string, keep learner.Keep) (*learner.Learner, learner.Batch) {
	t.Helper()
	l := tiny(t, mode, learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Keep: keep})
	batch := tinyParts(t, l, 1)[0]
	batch.Targets = allRelated(tinyBatch)
	return l, batch
}

// TestKeepLooksAtAPart: other patches for other numbers, and all of them, bit by
// bit, once the learner is told to.
func TestKeepLooksAtAPart(t *testing.T) {
	l, batch := opened(t, "full", learner.Keep{Patches: 2, Tokens: 3})
	first := lossOf(t, l, batch, 1)
	if again := lossOf(t, l, batch, 1); again != first {
		t.Errorf("the loss of the same number is %v, then %v", first, again)
	}
	if other := lossOf(t, l, batch, 2); other == first {
		t.Errorf("another number gives the same loss %v", other)
	}
	whole, same := opened(t, "full", learner.Keep{})
	want := lossOf(t, whole, same, 1)
	if want == first {
		t.Errorf("a part gives the loss %v of the whole", want)
	}
	if err := l.KeepAll(); err != nil {
		t.Fatal(err)
	}
	if got := lossOf(t, l, batch, 1); got != want {
		t.Errorf("the loss of everything is %v, want %v", got, want)
	}
	if !slices.Equal(l.State.Gradients, whole.State.Gradients) {
		t.Error("the gradients of everything differ from those of a learner that never left anything out")
	}
}

// TestKeepMoreThanThereIs leaves the step as it is.
func TestKeepMoreThanThereIs(t *testing.T) {
	l, batch := opened(t, "full", learner.Keep{Patches: 1000, Tokens: 1000})
	whole, same := opened(t, "full", learner.Keep{})
	if got, want := lossOf(t, l, batch, 1), lossOf(t, whole, same, 1); got != want {
		t.Errorf("the loss is %v, want %v", got, want)
	}
}

// TestKeepShorterTexts looks at no more than the longest text of a batch needs,
// and at other numbers of tokens in other steps.
func TestKeepShorterTexts(t *testing.T) {
	short, batch := opened(t, "text-only", learner.Keep{Tokens: 3})
	long, same := opened(t, "text-only", learner.Keep{Tokens: 6})
	before := lossOf(t, long, same, 1)
	for _, ids := range [][]int64{batch.Texts.Ints, same.Texts.Ints} {
		for text := range slices.Chunk(ids, len(ids)/tinyBatch) {
			for i := 2; i < len(text); i++ {
				text[i] = 0
			}
		}
	}
	want, got := lossOf(t, short, batch, 1), lossOf(t, long, same, 1)
	if got != want || got == before {
		t.Errorf("texts of two tokens have the loss %v, want %v; longer ones had %v", got, want, before)
	}
	if !slices.Equal(short.State.Gradients, long.State.Gradients) {
		t.Error("their gradients differ")
	}
}

// TestKeepPositions demands that the first positions and the last one are looked
// at, and no other: these have a gradient.
func TestKeepPositions(t *testing.T) {
	for _, mode := range []string{"text-only", "full"} {
		l, batch := opened(t, mode, learner.Keep{Tokens: 3})
		lossOf(t, l, batch, 1)
		at := slices.IndexFunc(l.State.Parameters, func(p learner.Parameter) bool {
			return strings.HasSuffix(p.Name, "position_embedding.weight") && p.Name[0] == 't'
		})
		length, width := int(l.State.Parameters[at].Shape[0]), int(l.State.Parameters[at].Shape[1])
		for row := range length {
			gradient := l.State.Gradient(at)[row*width : (row+1)*width]
			met := slices.ContainsFunc(gradient, func(g float32) bool { return g != 0 })
			if want := row < 2 || row == length-1; met != want {
				t.Errorf("%s: position %d has a gradient: %v, want %v", mode, row, met, want)
			}
		}
	}
}

func TestLongest(t *testing.T) {
	for _, test := range []struct {
		ids  []int64
		want int64
	}{
		{[]int64{5, 1, 0, 0}, 2}, {[]int64{5, 6, 7, 8}, 3}, {[]int64{5, 1, 1, 1}, 1}, {[]int64{0, 0, 0, 0}, 0}, {[]int64{5, 1, 0, 0, 5, 6, 1, 0}, 3},
	} {
		if got := learner.Longest(test.ids, 4); got != test.want {
			t.Errorf("%v: %d tokens, want %d", test.ids, got, test.want)
		}
	}
}

// TestKeepGradient compares the gradient with a difference of losses along it.
func TestKeepGradient(t *testing.T) {
	for _, mode := range []string{"full", "text-only", "vision-only", "lora"} {
		t.Run(mode, func(t *testing.T) {
			l, batch := opened(t, mode, learner.Keep{Patches: 2, Tokens: 3})
			compareAlong(t, l, batch)
		})
	}
}

// TestKeepGradientNative: of a model whose pictures have any number of patches.
func TestKeepGradientNative(t *testing.T) {
	s := nativeState(t, "full")
	for _, mode := range []string{"full", "text-only"} {
		t.Run(mode, func(t *testing.T) {
			ids, _ := s.batches(t)
			count := ids[0].Shape[0]
			l := nativeLearner(t, mode, learner.Plan{Texts: count, Pictures: count, Keep: learner.Keep{Tokens: 3}})
			batch := s.enterNative(t, l, ids)[0]
			batch.Targets = allRelated(int(count))
			compareAlong(t, l, batch)
		})
	}
}

func compareAlong(t *testing.T, l *learner.Learner, batch learner.Batch) {
	t.Helper()
	learnertest.CompareAlong(t, l, func() float64 { return lossOf(t, l, batch, 5) })
}

// TestVisionOnly trains nothing of the text tower.
func TestVisionOnly(t *testing.T) {
	l, batch := opened(t, "vision-only", learner.Keep{})
	if loss := lossOf(t, l, batch, 0); !(loss > 0) {
		t.Errorf("the loss is %v", loss)
	}
	for _, parameter := range l.State.Parameters {
		if parameter.Name[0] == 't' {
			t.Errorf("%s is trained", parameter.Name)
		}
	}
	if !l.ChangesPictures() {
		t.Error("pictures are said to keep their vectors")
	}
}
