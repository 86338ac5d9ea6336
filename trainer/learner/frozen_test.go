package learner_test

import (
	"math"
	"path/filepath"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
)

// TestFrozenIsWhatTrainingBeginsWith compares a model that is not trained with
// a learner that has not taken a step.
func TestFrozenIsWhatTrainingBeginsWith(t *testing.T) {
	l := tiny(t, "full", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
	f := openFrozen(t, filepath.Join("..", "testdata", "states", "tiny", "model"))
	s := state{folder: filepath.Join("..", "testdata", "states", "tiny", "full")}
	ids, pixels := s.batches(t)
	texts, pictures, err := l.Embed(t.Context(), learner.Batch{Texts: ids[0], Pictures: pixels[0]})
	if err != nil {
		t.Fatal(err)
	}
	frozenTexts, err := f.EncodeTexts(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	frozenPictures, err := f.EncodePictures(t.Context(), pixels[0])
	if err != nil {
		t.Fatal(err)
	}
	if off := norm(texts.Floats, frozenTexts.Floats) + norm(pictures.Floats, frozenPictures.Floats); !(off < 1e-5) {
		t.Errorf("vectors are off by %v", off)
	}
	if math.Abs(f.Scale-math.Exp(l.Value("logit_scale"))) > 1e-6 || f.Bias != l.Value("logit_bias") {
		t.Errorf("logits are scaled by %v and moved by %v", f.Scale, f.Bias)
	}
}

func openFrozen(t *testing.T, dir string) *learner.Frozen {
	t.Helper()
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := learner.OpenFrozen(environment(t), config, index, ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
