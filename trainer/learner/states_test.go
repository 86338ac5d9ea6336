package learner_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// statesFolder names a folder of larger reference states, written by
// trainer/testdata/write_states.py; `make training-parity` sets it.
const statesFolder = "POLYLENS_TRAINING_STATES"

// state is what PyTorch made of a model, its batches and its settings, see
// trainer/testdata/README.md.
type state struct {
	Mode          string
	Adapter       string // the folder of the adapter to start from; "" for none
	Losses        []float64
	GradientNorms []float64 `json:"gradient_norms"`
	LearningRates []float64 `json:"learning_rates"`
	Trained       []string
	Decay         []string
	Zero          []string
	Settings      struct {
		Beta1, Beta2, Epsilon float64
		WeightDecay           float64 `json:"weight_decay"`
		ClipNorm              float64 `json:"clip_norm"`
		LoRARank              int64   `json:"lora_rank"`
		LoRAAlpha             float64 `json:"lora_alpha"`
	}

	folder string
}

// TestAgainstPyTorch compares the gradients of the first step by name and the
// losses of all steps of AdamW, in every mode, with those of PyTorch.
func TestAgainstPyTorch(t *testing.T) {
	for _, s := range readStates(t) {
		t.Run(filepath.Base(filepath.Dir(s.folder))+"/"+s.Mode, func(t *testing.T) { s.compare(t, false) })
	}
}

// TestRecomputedAgainstPyTorch does so with what blocks compute not kept.
func TestRecomputedAgainstPyTorch(t *testing.T) {
	for _, s := range readStates(t) {
		t.Run(filepath.Base(filepath.Dir(s.folder))+"/"+s.Mode, func(t *testing.T) { s.compare(t, true) })
	}
}

func readStates(t *testing.T) []state {
	t.Helper()
	folders := []string{filepath.Join("..", "testdata", "states")}
	if extra := os.Getenv(statesFolder); extra != "" {
		folders = append(folders, extra)
	}
	var states []state
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*", "*", "state.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no states in %s (%v)", folder, err)
		}
		for _, file := range files {
			s := state{folder: filepath.Dir(file)}
			content, err := os.ReadFile(file)
			if err := errors.Join(err, json.Unmarshal(content, &s)); err != nil {
				t.Fatal(file, err)
			}
			states = append(states, s)
		}
	}
	return states
}

// compare trains as PyTorch did.
func (s state) compare(t *testing.T, recompute bool) {
	l, batches := s.open(t, recompute)
	optimizer := s.optimizer(t)
	worst := 0.0
	for step, want := range s.Losses {
		reports, err := l.Step(t.Context(), batches[step])
		if err != nil {
			t.Fatal(err)
		}
		if step == 0 {
			s.compareGradients(t, l)
		}
		worst = max(worst, relative(reports["loss"], want))
		if loss := reports["loss"]; relative(loss, want) > 1e-3 || step == 0 && relative(loss, want) > 1e-4 {
			t.Errorf("step %d: loss %v, PyTorch has %v", step, loss, want)
		}
		spans := l.State.Spans(func(p learner.Parameter) (rate, decay float64) {
			if slices.Contains(s.Decay, p.Name) != p.Decays() {
				t.Fatalf("%s: weight decay %v, PyTorch has another", p.Name, p.Decays())
			}
			if p.Decays() {
				decay = s.Settings.WeightDecay
			}
			return s.LearningRates[step], decay
		})
		norm, err := optimizer.Step(t.Context(), l.State.Memory, spans, int64(step), 1)
		if err != nil {
			t.Fatal(err)
		}
		if relative(norm, s.GradientNorms[step]) > 1e-2 {
			t.Errorf("step %d: norm of the gradients %v, PyTorch has %v", step, norm, s.GradientNorms[step])
		}
	}
	t.Logf("%d losses, the worst off by %.1e", len(s.Losses), worst)
}

// compareGradients demands that each gradient is within 1e-4 of PyTorch's,
// relative to its length. Those that are zero but for rounding are compared
// with the length of all.
func (s state) compareGradients(t *testing.T, l *learner.Learner) {
	wanted, err := safetensors.OpenFile(filepath.Join(s.folder, "gradients.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.State.Parameters) != len(s.Trained) {
		t.Errorf("%d parameters are trained, PyTorch trains %d", len(l.State.Parameters), len(s.Trained))
	}
	worst, worstName := 0.0, ""
	for i, parameter := range l.State.Parameters {
		want, err := wanted.Floats(parameter.Name)
		if err != nil {
			t.Fatal(err)
		}
		length := norm(want, nil)
		if slices.Contains(s.Zero, parameter.Name) {
			length = s.GradientNorms[0]
		}
		if off := norm(l.State.Gradient(i), want) / length; !(off < worst) {
			worst, worstName = off, parameter.Name
		}
	}
	t.Logf("%d gradients, worst %.1e of its length: %s", len(s.Trained), worst, worstName)
	if !(worst < 1e-4) {
		t.Errorf("the gradient of %s is off by %v of its length", worstName, worst)
	}
}

// norm is the length of values, or of their difference from others.
func norm(values, others []float32) float64 {
	var sum float64
	for i, value := range values {
		d := float64(value)
		if others != nil {
			d -= float64(others[i])
		}
		sum += d * d
	}
	return math.Sqrt(sum)
}

func relative(got, want float64) float64 { return math.Abs(got-want) / math.Abs(want) }

func (s state) open(t *testing.T, recompute bool) (*learner.Learner, []learner.Batch) {
	t.Helper()
	dir := filepath.Join(s.folder, "..", "model")
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	mode, err := learner.ParseMode(s.Mode, config)
	if err != nil {
		t.Fatal(err)
	}
	ids, pixels := s.batches(t)
	plan := learner.Plan{Texts: ids[0].Shape[0], Pictures: pixels[0].Shape[0], Mode: mode, Recompute: recompute, LoRA: learner.LoRA{
		Rank: s.Settings.LoRARank, Alpha: s.Settings.LoRAAlpha, Towers: []string{"text", "vision"},
		Targets: []string{"q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"},
	}}
	l, err := learner.Open(environment(t), config, index, plan, ort.Options{Threads: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.loadAdapter(t, l)
	if config.NaFlex() {
		return l, s.enterNative(t, l, ids)
	}
	return l, enter(t, l, ids, pixels)
}

// loadAdapter takes the adapter that PyTorch started from.
func (s state) loadAdapter(t *testing.T, l *learner.Learner) {
	t.Helper()
	if s.Adapter == "" {
		return
	}
	adapter, err := safetensors.OpenFile(filepath.Join(s.folder, s.Adapter, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for i, parameter := range l.State.Parameters {
		if _, ok := adapter.Tensor(parameter.Name); !ok {
			continue
		}
		if err := adapter.ReadRows(parameter.Name, 0, l.State.Weight(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func (s state) batches(t *testing.T) (ids, pixels []ort.Tensor) {
	t.Helper()
	index, err := safetensors.OpenFile(filepath.Join(s.folder, "..", "batches.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := index.Floats("pixel_values")
	if err != nil {
		t.Fatal(err)
	}
	textShape, pixelShape := shapeOf(t, index, "input_ids"), shapeOf(t, index, "pixel_values")
	numbers := wholeNumbers(t, index, "input_ids")
	for step := range int(textShape[0]) {
		ids = append(ids, ort.Ints(part(numbers, step, textShape), textShape[1:]...))
		pixels = append(pixels, ort.Floats(part(values, step, pixelShape), pixelShape[1:]...))
	}
	return ids, pixels
}

func wholeNumbers(t *testing.T, index *safetensors.Index, name string) []int64 {
	t.Helper()
	raw, err := index.Raw(name)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]int64, len(raw)/8)
	for i := range numbers {
		numbers[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return numbers
}

func shapeOf(t *testing.T, index *safetensors.Index, name string) []int64 {
	t.Helper()
	tensor, ok := index.Tensor(name)
	if !ok {
		t.Fatalf("the batches lack %s", name)
	}
	return tensor.Shape
}

func part[T any](values []T, step int, shape []int64) []T {
	size := len(values) / int(shape[0])
	return values[step*size : (step+1)*size]
}

// enter makes batches in which text i describes picture i.
func enter(t *testing.T, l *learner.Learner, ids, pixels []ort.Tensor) []learner.Batch {
	t.Helper()
	batches := make([]learner.Batch, len(ids))
	for step := range batches {
		batches[step] = pair(t, l, ids[step])
		var err error
		if batches[step].Pictures, err = l.EnterPictures(t.Context(), pixels[step]); err != nil {
			t.Fatal(err)
		}
	}
	return batches
}

// pair makes a batch without pictures in which text i describes picture i.
func pair(t *testing.T, l *learner.Learner, ids ort.Tensor) learner.Batch {
	t.Helper()
	texts, err := l.EnterTexts(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	count := int(ids.Shape[0])
	targets := make([]float32, count*count)
	for i := range count {
		targets[i*count+i] = 1
	}
	return learner.Batch{Texts: texts, Targets: targets}
}

func (s state) optimizer(t *testing.T) *optim.Optimizer {
	t.Helper()
	settings := optim.Settings{Beta1: s.Settings.Beta1, Beta2: s.Settings.Beta2, Epsilon: s.Settings.Epsilon, Clip: s.Settings.ClipNorm}
	optimizer, err := optim.New(environment(t), settings, ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { optimizer.Close() })
	return optimizer
}

func environment(t *testing.T) *ort.Environment {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	return environment
}
