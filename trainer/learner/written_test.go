package learner_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
	"polylens/internal/needs"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// pythonProgram names a Python that has transformers and PEFT; `make
// training-parity` sets it.
const pythonProgram = "POLYLENS_TRAINING_PYTHON"

// closeTo is how far numbers of a vector may be from one another.
const closeTo = 1e-5

var sentences = []string{"a red fish", "ein roter Fisch", "красная рыба", "赤い魚", "", "a fish that is red, " + strings.Repeat("very ", 80)}

// written is the bundled model after a few steps, and what was written of it.
type written struct {
	mode           string
	base, dir      string
	index          *safetensors.Index // of base
	ids            ort.Tensor         // of sentences
	pixels         ort.Tensor
	texts, visuals [][]float32 // vectors that the learner gives
}

// TestWritten trains the bundled model in every mode and writes it. Opened for
// search, it gives the vectors that the learner gave.
func TestWritten(t *testing.T) {
	for _, mode := range []string{"full", "text-only", "last-1", "query", "lora"} {
		t.Run(mode, func(t *testing.T) {
			w := writeTrained(t, mode)
			texts, visuals := w.open(t, w.dir)
			compareVectors(t, "texts", texts, w.texts)
			compareVectors(t, "pictures", visuals, w.visuals)
			originalTexts, originalVisuals := w.open(t, w.base)
			expectChange(t, "texts", !slices.EqualFunc(texts, originalTexts, slices.Equal), true)
			changesPictures := mode != "text-only" && mode != "query"
			expectChange(t, "pictures", !slices.EqualFunc(visuals, originalVisuals, slices.Equal), changesPictures)
			if mode != "lora" {
				w.compareTensors(t)
			}
			w.compareWithPython(t)
		})
	}
}

func expectChange(t *testing.T, what string, got, want bool) {
	t.Helper()
	if got != want {
		t.Errorf("vectors of %s have changed: %v, want %v", what, got, want)
	}
}

func writeTrained(t *testing.T, mode string) *written {
	t.Helper()
	base, err := filepath.Abs(filepath.Join("..", "..", "encoder", "hub", "polylens-mini"))
	if err != nil {
		t.Fatal(err)
	}
	w := &written{mode: mode, base: base, dir: filepath.Join(t.TempDir(), "written")}
	config, err := siglip2.ReadConfig(base)
	if err != nil {
		t.Fatal(err)
	}
	if w.index, err = safetensors.Open(base); err != nil {
		t.Fatal(err)
	}
	w.draw(t, config)
	parsed, err := learner.ParseMode(mode, config)
	if err != nil {
		t.Fatal(err)
	}
	lora := learner.DefaultLoRA()
	lora.Alpha = 12
	count := int64(len(sentences))
	plan := learner.Plan{Texts: count, Pictures: count, Mode: parsed, LoRA: lora}
	l, err := learner.Open(environment(t), config, w.index, plan, ort.Options{Threads: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.train(t, l)
	w.encode(t, l)
	if err := l.Write(t.Context(), w.dir); err != nil {
		t.Fatal(err)
	}
	return w
}

// draw makes the token ids of the sentences and as many pictures of noise.
func (w *written) draw(t *testing.T, config siglip2.Config) {
	t.Helper()
	tokens, err := tokenizer.Open(w.base)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, sentence := range sentences {
		ids = append(ids, tokens.Encode(sentence, int(config.Text.Length))...)
	}
	count, side := int64(len(sentences)), int64(config.Vision.Image)
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, count*3*side*side)
	for i := range values {
		values[i] = float32(2*random.Float64() - 1)
	}
	w.ids, w.pixels = ort.Ints(ids, count, config.Text.Length), ort.Floats(values, count, 3, side, side)
}

// train takes steps that are large enough to be seen.
func (w *written) train(t *testing.T, l *learner.Learner) {
	t.Helper()
	optimizer, err := optim.New(environment(t), optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}, ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer optimizer.Close()
	batch := enter(t, l, []ort.Tensor{w.ids}, []ort.Tensor{w.pixels})[0]
	for step := range int64(3) {
		if _, err := l.Step(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		spans := l.State.Spans(func(learner.Parameter) (rate, decay float64) { return 3e-3, 1e-4 })
		if _, err := optimizer.Step(t.Context(), l.State.Memory, spans, step, 1); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *written) encode(t *testing.T, l *learner.Learner) {
	t.Helper()
	texts, err := l.EncodeTexts(t.Context(), w.ids)
	if err != nil {
		t.Fatal(err)
	}
	visuals, err := l.EncodePictures(t.Context(), w.pixels)
	if err != nil {
		t.Fatal(err)
	}
	w.texts, w.visuals = vectorsOf(texts), vectorsOf(visuals)
}

func vectorsOf(tensor ort.Tensor) [][]float32 {
	return slices.Collect(slices.Chunk(slices.Clone(tensor.Floats), int(tensor.Shape[1])))
}

// open encodes with a directory as search does.
func (w *written) open(t *testing.T, dir string) (texts, visuals [][]float32) {
	t.Helper()
	e, err := encoder.Open(t.Context(), dir, encoder.Options{Library: needs.ONNXRuntime(t), Threads: 2, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if texts, err = e.EncodeTexts(t.Context(), sentences); err != nil {
		t.Fatal(err)
	}
	var pictures []preprocess.Pixels
	for values := range slices.Chunk(w.pixels.Floats, len(w.pixels.Floats)/len(sentences)) {
		pictures = append(pictures, preprocess.Pixels{Values: values})
	}
	if visuals, err = e.EncodePixels(t.Context(), pictures); err != nil {
		t.Fatal(err)
	}
	return texts, visuals
}

func compareVectors(t *testing.T, what string, got, want [][]float32) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%d vectors of %s, want %d", len(got), what, len(want))
	}
	worst := 0.0
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Fatalf("a vector of %d numbers, want %d", len(got[i]), len(want[i]))
		}
		for j := range want[i] {
			if off := math.Abs(float64(got[i][j]) - float64(want[i][j])); !(off <= worst) {
				worst = off
			}
		}
	}
	t.Logf("%s: numbers are off by at most %.1e", what, worst)
	if !(worst < closeTo) {
		t.Errorf("%s: numbers are off by up to %v", what, worst)
	}
}

// compareTensors demands that what is not trained is written byte for byte, and
// that what is trained has changed.
func (w *written) compareTensors(t *testing.T) {
	t.Helper()
	index, err := safetensors.Open(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(slices.Sorted(slices.Values(index.Names())), slices.Sorted(slices.Values(w.index.Names()))) {
		t.Errorf("tensors %v", index.Names())
	}
	for _, name := range w.index.Names() {
		got, errGot := index.Raw(name)
		want, errWant := w.index.Raw(name)
		if errGot != nil || errWant != nil {
			t.Fatal(errGot, errWant)
		}
		if changed := !slices.Equal(got, want); changed != w.trains(name) {
			t.Errorf("%s has changed: %v", name, changed)
		}
	}
}

// trains says in which modes a tensor is to change.
func (w *written) trains(name string) bool {
	if strings.HasPrefix(name, "logit_") {
		return true
	}
	above := !strings.Contains(name, ".embeddings.") && !strings.Contains(name, ".layers.")
	lastBlock := "text_model.encoder.layers.2."
	if strings.HasPrefix(name, "vision_model.") {
		lastBlock = "vision_model.encoder.layers.5."
	}
	switch w.mode {
	case "text-only":
		return strings.HasPrefix(name, "text_model.")
	case "query":
		return strings.HasPrefix(name, "text_model.head.")
	case "last-1":
		return above || strings.HasPrefix(name, lastBlock)
	default:
		return true
	}
}

// compareWithPython demands the same vectors of transformers and PEFT.
func (w *written) compareWithPython(t *testing.T) {
	t.Helper()
	python := os.Getenv(pythonProgram)
	if python == "" {
		return
	}
	inputs, output := filepath.Join(t.TempDir(), "inputs.safetensors"), filepath.Join(t.TempDir(), "output.safetensors")
	w.writeInputs(t, inputs)
	arguments := []string{filepath.Join("..", "testdata", "verify_written.py"), w.dir, inputs, output}
	if w.mode == "lora" {
		arguments[1] = w.base
		arguments = append(arguments, "--adapter", w.dir)
	}
	if said, err := exec.CommandContext(t.Context(), python, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	index, err := safetensors.OpenFile(output)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][][]float32{"text_embeds": w.texts, "image_embeds": w.visuals} {
		values, err := index.Floats(name)
		if err != nil {
			t.Fatal(err)
		}
		compareVectors(t, "Python's "+name, slices.Collect(slices.Chunk(values, len(want[0]))), want)
	}
}

func (w *written) writeInputs(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	writer, err := safetensors.NewWriter(file, []safetensors.Tensor{
		{Name: "input_ids", DType: "I64", Shape: w.ids.Shape}, {Name: "pixel_values", DType: safetensors.F32, Shape: w.pixels.Shape},
	})
	if err != nil {
		t.Fatal(err)
	}
	var raw []byte
	for _, id := range w.ids.Ints {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(id))
	}
	for _, piece := range [][]byte{raw, safetensors.FloatBytes(w.pixels.Floats)} {
		if _, err := writer.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWriteRefuses demands that a directory that is there already stays as it
// is, and that weights that are no numbers are not written.
func TestWriteRefuses(t *testing.T) {
	w := writeTrained(t, "query")
	config, err := siglip2.ReadConfig(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	mode, err := learner.ParseMode("query", config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := learner.Open(environment(t), config, index, learner.Plan{Texts: 2, Pictures: 2, Mode: mode}, ort.Options{Threads: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Write(t.Context(), w.dir); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("writing over the model that is trained: %v", err)
	}
	l.State.Weight(0)[0] = float32(math.NaN())
	other := filepath.Join(t.TempDir(), "other")
	if err := l.Write(t.Context(), other); err == nil || !strings.Contains(err.Error(), "is NaN") {
		t.Errorf("writing what is no number: %v", err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a model of what is no number is there")
	}
	w.open(t, w.dir)
}
