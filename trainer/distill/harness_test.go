package distill

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
	"polylens/trainer/learner"
)

// golden is a model, a step and what PyTorch made of both, see
// testdata/write_golden.py.
type golden struct {
	index  *safetensors.Index
	model  siglip2.Config
	config Config
}

func openGolden(t *testing.T) golden {
	t.Helper()
	index, err := safetensors.OpenFile(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var description struct{ Model json.RawMessage }
	if err := json.Unmarshal(content, &description); err != nil {
		t.Fatal(err)
	}
	f := golden{index: index, config: Default()}
	if err := json.Unmarshal(content, &struct{ Distill *Config }{&f.config}); err != nil {
		t.Fatal(err)
	}
	if f.model, err = siglip2.ParseConfig(description.Model); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f golden) floats(t *testing.T, name string) ort.Tensor {
	t.Helper()
	tensor, ok := f.index.Tensor(name)
	values, err := f.index.Floats(name)
	if err != nil || !ok {
		t.Fatal(name, err)
	}
	return ort.Floats(values, tensor.Shape...)
}

// open opens a learner of full steps with the golden heads, centres and, where
// it has one, teacher.
func (f golden) open(t *testing.T, change func(*learner.Plan)) *learner.Learner {
	t.Helper()
	distiller, err := New(f.config, f.model)
	if err != nil {
		t.Fatal(err)
	}
	mode, err := learner.ParseMode("full", f.model)
	if err != nil {
		t.Fatal(err)
	}
	pictures := f.floats(t, "pixels").Shape[0]
	plan := learner.Plan{Texts: pictures, Pictures: pictures, Mode: mode, Objectives: []learner.Objective{distiller}}
	if change != nil {
		change(&plan)
	}
	l, err := learner.Open(environment(t), f.model, f.index, plan, ort.Options{Threads: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for i, parameter := range l.State.Parameters {
		if strings.HasPrefix(parameter.Name, Prefix) {
			copy(l.State.Weight(i), f.floats(t, parameter.Name).Floats)
		}
	}
	if l.Teacher != nil {
		f.restore(t, l.Teacher)
	}
	return l
}

func (f golden) restore(t *testing.T, teacher *learner.Teacher) {
	t.Helper()
	for i, parameter := range teacher.Parameters {
		copy(teacher.Average(i), f.floats(t, "average: "+parameter.Name).Floats)
	}
}

// batch is the golden step.
func (f golden) batch(t *testing.T) learner.Batch {
	t.Helper()
	ids, pixels := f.floats(t, "ids"), f.floats(t, "pixels")
	count := pixels.Shape[0]
	targets := make([]float32, count*count)
	for i := range count {
		targets[i*count+i] = 1
	}
	mask := f.floats(t, "mask")
	var masked []int64
	for i, value := range mask.Floats {
		if value == 1 {
			masked = append(masked, int64(i))
		}
	}
	return learner.Batch{
		Texts: ort.Ints(whole(ids.Floats), ids.Shape...), Pictures: pixels, Targets: targets,
		Extra: map[string]ort.Tensor{
			globalInput: f.floats(t, "global"), localInput: f.floats(t, "local"),
			maskInput: mask, maskedInput: ort.Ints(masked, int64(len(masked))),
		},
	}
}

func whole(values []float32) []int64 {
	numbers := make([]int64, len(values))
	for i, value := range values {
		numbers[i] = int64(value)
	}
	return numbers
}

// length is the Euclidean norm.
func length(values []float32) float64 {
	sum := 0.0
	for _, value := range values {
		sum += float64(value) * float64(value)
	}
	return math.Sqrt(sum)
}

// distance is the length of a difference.
func distance(a, b []float32) float64 {
	difference := make([]float32, len(a))
	for i := range a {
		difference[i] = a[i] - b[i]
	}
	return length(difference)
}

func environment(t testing.TB) *ort.Environment {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	return environment
}
