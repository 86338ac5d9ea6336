package trainer_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
)

// pythonProgram names a Python that has transformers and PEFT; `make
// training-parity` sets it.
const pythonProgram = "POLYLENS_TRAINING_PYTHON"

// transformers gives the vectors that transformers, and PEFT for an adapter,
// make of pictures of native aspect ratio; nil where there is no Python.
func (f fixture) transformers(t *testing.T, dir string, pictures []preprocess.Pixels) [][]float32 {
	t.Helper()
	python := os.Getenv(pythonProgram)
	if python == "" {
		return nil
	}
	inputs, output := filepath.Join(t.TempDir(), "inputs.safetensors"), filepath.Join(t.TempDir(), "output.safetensors")
	writePadded(t, inputs, pictures)
	arguments := []string{filepath.Join("testdata", "verify_written.py"), dir, inputs, output}
	if _, err := os.Stat(filepath.Join(dir, "adapter_config.json")); err == nil {
		arguments[1] = f.model()
		arguments = append(arguments, "--adapter", dir)
	}
	if said, err := exec.CommandContext(t.Context(), python, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	values := must(must(safetensors.OpenFile(output)).Floats("image_embeds"))
	return slices.Collect(slices.Chunk(values, len(values)/len(pictures)))
}

// writePadded writes pictures as the processor of transformers gives them.
func writePadded(t *testing.T, path string, pictures []preprocess.Pixels) {
	t.Helper()
	longest, width := 0, len(pictures[0].Values)/(pictures[0].Rows*pictures[0].Columns)
	for _, picture := range pictures {
		longest = max(longest, picture.Rows*picture.Columns)
	}
	values := make([]float32, len(pictures)*longest*width)
	var mask, shapes []byte
	for i, picture := range pictures {
		copy(values[i*longest*width:], picture.Values)
		for patch := range longest {
			real := uint64(0)
			if patch < picture.Rows*picture.Columns {
				real = 1
			}
			mask = binary.LittleEndian.AppendUint64(mask, real)
		}
		for _, side := range []int{picture.Rows, picture.Columns} {
			shapes = binary.LittleEndian.AppendUint64(shapes, uint64(side))
		}
	}
	count, most := int64(len(pictures)), int64(longest)
	file := must(os.Create(path))
	defer file.Close()
	writer := must(safetensors.NewWriter(file, []safetensors.Tensor{
		{Name: "pixel_values", DType: safetensors.F32, Shape: []int64{count, most, int64(width)}},
		{Name: "pixel_attention_mask", DType: "I64", Shape: []int64{count, most}}, {Name: "spatial_shapes", DType: "I64", Shape: []int64{count, 2}},
	}))
	for _, piece := range [][]byte{safetensors.FloatBytes(values), mask, shapes} {
		must(writer.Write(piece))
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}
