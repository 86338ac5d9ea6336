package caption

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
)

// golden is what PyTorch made of small, see testdata/write_golden.py.
type golden struct{ index *safetensors.Index }

func openGolden(t *testing.T) golden {
	t.Helper()
	index, err := safetensors.OpenFile(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return golden{index}
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

// inputs are those of a step; labels below zero are not predicted.
func (f golden) inputs(t *testing.T, d *differentiated) map[string]ort.Tensor {
	t.Helper()
	given := map[string]ort.Tensor{causalInput: f.floats(t, "causal")}
	for _, name := range d.wanted {
		given[name] = f.floats(t, name)
	}
	ids := f.floats(t, "ids")
	given[idsInput] = ort.Ints(whole(ids.Floats), ids.Shape...)
	var rows, targets []int64
	for i, label := range whole(f.floats(t, "labels").Floats) {
		if label >= 0 {
			rows, targets = append(rows, int64(i)), append(targets, label)
		}
	}
	weights := make([]float32, len(rows))
	for i := range weights {
		weights[i] = 1 / float32(len(rows))
	}
	count := int64(len(rows))
	given[rowsInput], given[targetsInput] = ort.Ints(rows, count), ort.Ints(targets, count)
	given[weightsInput] = ort.Floats(weights, count)
	return given
}

func whole(values []float32) []int64 {
	numbers := make([]int64, len(values))
	for i, value := range values {
		numbers[i] = int64(value)
	}
	return numbers
}

// TestAgainstPyTorch compares the loss and the gradient of every parameter, and
// of the pictures' tokens, with those of PyTorch.
func TestAgainstPyTorch(t *testing.T) {
	const tolerance = 1e-4
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable %t", portable), func(t *testing.T) {
			file, d := openGolden(t), differentiate(t, small(), smallPictures, smallTokens, portable)
			loss, gradients := d.run(t, file.inputs(t, d))
			if want := float64(file.floats(t, "loss").Floats[0]); !(math.Abs(loss-want) <= tolerance*want) {
				t.Errorf("loss %v, PyTorch has %v", loss, want)
			}
			worst := 0.0
			for name, gradient := range gradients {
				want := file.floats(t, "gradient: "+name).Floats
				off := distance(gradient, want) / length(want)
				worst = max(worst, off)
				if !(off <= tolerance) {
					t.Errorf("the gradient of %s is off by %v of its length", name, off)
				}
			}
			if compared := 2*len(gradients) + 4; compared != len(file.index.Names()) {
				t.Errorf("%d gradients are compared, the file has %d tensors", len(gradients), len(file.index.Names()))
			}
			t.Logf("%d gradients, worst %.1e of its length", len(gradients), worst)
		})
	}
}
