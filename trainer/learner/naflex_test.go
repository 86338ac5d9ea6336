package learner_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
)

// native reads the pictures of each step of a model of native aspect ratio,
// without their padding.
func (s state) native(t *testing.T) [][]preprocess.Pixels {
	t.Helper()
	index, err := safetensors.OpenFile(filepath.Join(s.folder, "..", "batches.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := index.Floats("pixel_values")
	if err != nil {
		t.Fatal(err)
	}
	shape, shapes := shapeOf(t, index, "pixel_values"), wholeNumbers(t, index, "spatial_shapes")
	each := int(shape[2] * shape[3])
	steps := make([][]preprocess.Pixels, shape[0])
	for row := range len(shapes) / 2 {
		picture := preprocess.Pixels{Rows: int(shapes[2*row]), Columns: int(shapes[2*row+1])}
		picture.Values = values[row*each:][:picture.Rows*picture.Columns*int(shape[3])]
		step := row / int(shape[1])
		steps[step] = append(steps[step], picture)
	}
	return steps
}

// enterNative makes batches in which text i describes picture i.
func (s state) enterNative(t *testing.T, l *learner.Learner, ids []ort.Tensor) []learner.Batch {
	t.Helper()
	batches := make([]learner.Batch, len(ids))
	for step, pictures := range s.native(t) {
		batches[step] = pair(t, l, ids[step])
		var err error
		if batches[step].Pictures, batches[step].Grids, err = l.EnterPatches(t.Context(), pictures); err != nil {
			t.Fatal(err)
		}
	}
	return batches
}

// nativeState is a state of the tiny model of native aspect ratio.
func nativeState(t *testing.T, mode string) state {
	t.Helper()
	for _, s := range readStates(t) {
		if s.Mode == mode && filepath.Base(filepath.Dir(s.folder)) == "naflex-tiny" {
			return s
		}
	}
	t.Fatalf("no state of naflex-tiny in mode %s", mode)
	return state{}
}

// TestPatchesPadded demands that a step, whose pictures are padded, has the loss
// of the vectors that its pictures have one by one, without padding.
func TestPatchesPadded(t *testing.T) {
	for _, mode := range []string{"full", "last-1", "text-only"} {
		t.Run(mode, func(t *testing.T) {
			s := nativeState(t, mode)
			l, batches := s.open(t, false)
			ids, _ := s.batches(t)
			for step, pictures := range s.native(t) {
				reports, err := l.Step(t.Context(), batches[step])
				if err != nil {
					t.Fatal(err)
				}
				texts, err := l.EncodeTexts(t.Context(), ids[step])
				if err != nil {
					t.Fatal(err)
				}
				var alone [][]float32
				for i := range pictures {
					vector, err := l.EncodePatches(t.Context(), pictures[i:i+1])
					if err != nil {
						t.Fatal(err)
					}
					alone = append(alone, vectorsOf(vector)...)
				}
				if want := sigmoidLoss(l, vectorsOf(texts), alone); relative(reports["loss"], want) > 1e-5 {
					t.Errorf("step %d: the loss is %v, that of pictures without padding %v", step, reports["loss"], want)
				}
			}
		})
	}
}

// sigmoidLoss is the loss of texts and pictures of which the i-th belong together.
func sigmoidLoss(l *learner.Learner, texts, pictures [][]float32) float64 {
	scale, bias := math.Exp(l.Value("logit_scale")), l.Value("logit_bias")
	var sum float64
	for i, text := range texts {
		for j, picture := range pictures {
			var cosine float64
			for k := range text {
				cosine += float64(text[k]) * float64(picture[k])
			}
			logit := scale*cosine + bias
			if i == j {
				logit = -logit
			}
			sum += math.Log1p(math.Exp(logit))
		}
	}
	return sum / float64(len(pictures))
}

// TestPatchesRefused demands errors where a batch is not as its step takes it.
func TestPatchesRefused(t *testing.T) {
	s := nativeState(t, "full")
	l, batches := s.open(t, false)
	batch := batches[0]
	batch.Grids = batch.Grids[1:]
	_, err := l.Step(t.Context(), batch)
	expectError(t, err, "grids of 3 pictures")
	for _, picture := range []preprocess.Pixels{{Rows: 2, Columns: 3, Values: make([]float32, 48)}, {}} {
		_, _, err := l.EnterPatches(t.Context(), []preprocess.Pixels{picture})
		expectError(t, err, "patches has")
	}
}

// nativeLearner opens the tiny model of native aspect ratio with a plan.
func nativeLearner(t *testing.T, mode string, plan learner.Plan) *learner.Learner {
	t.Helper()
	dir := filepath.Join(nativeState(t, "full").folder, "..", "model")
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Mode, err = learner.ParseMode(mode, config); err != nil {
		t.Fatal(err)
	}
	l, err := learner.Open(environment(t), config, index, plan, ort.Options{Threads: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestPatchesAcross demands that the parts of a batch, each as long as its own
// longest picture, have the gradients of one batch that is padded to the
// longest of all.
func TestPatchesAcross(t *testing.T) {
	const parts, pairs = 3, 3 * tinyBatch
	s := nativeState(t, "full")
	ids, _ := s.batches(t)
	for _, mode := range []string{"full", "last-1", "text-only"} {
		t.Run(mode, func(t *testing.T) {
			whole := nativeLearner(t, mode, learner.Plan{Texts: pairs, Pictures: pairs, Portable: true})
			pictures := slices.Concat(s.native(t)[:parts]...)
			batch := pair(t, whole, join(join(ids[0], ids[1]), ids[2]))
			batch.Targets = allRelated(pairs)
			var err error
			if batch.Pictures, batch.Grids, err = whole.EnterPatches(t.Context(), pictures); err != nil {
				t.Fatal(err)
			}
			want, err := whole.Step(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			cut := nativeLearner(t, mode, learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Parts: parts})
			got, err := cut.StepAcross(t.Context(), s.enterNative(t, cut, ids)[:parts], related)
			if err != nil {
				t.Fatal(err)
			}
			if relative(got["loss"], want["loss"]) > 1e-6 {
				t.Errorf("the loss is %v in parts, %v at once", got["loss"], want["loss"])
			}
			compareGradients(t, cut, whole, 1.0/parts)
		})
	}
}

func expectError(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("the error is %v, want one that says %q", err, words)
	}
}
