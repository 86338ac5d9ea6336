package checkpoint

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/half"
	"polylens/encoder/safetensors"
)

// original is a model directory of two shards, with a tensor of 16 bits that
// is not trained.
func original(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	shards := map[string][]safetensors.Tensor{
		"model-00001-of-00002.safetensors": {{Name: "half", DType: safetensors.F16, Shape: []int64{3}}, {Name: "wide", DType: safetensors.F32, Shape: []int64{2}}},
		"model-00002-of-00002.safetensors": {{Name: "bias", DType: safetensors.F32, Shape: []int64{}}},
	}
	for name, tensors := range shards {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		writer, err := safetensors.NewWriter(file, tensors)
		if err != nil {
			t.Fatal(err)
		}
		for i := range tensors {
			raw := map[string][]byte{"half": {1, 2, 3, 4, 5, 6}, "wide": safetensors.FloatBytes([]float32{1, 2}), "bias": safetensors.FloatBytes([]float32{-16})}[tensors[i].Name]
			if _, err := writer.Write(raw); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(writer.Close(), file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, safetensors.IndexFile), []byte(`{"weight_map": {"half": "model-00001-of-00002.safetensors",
		"wide": "model-00001-of-00002.safetensors", "bias": "model-00002-of-00002.safetensors"}}`))
	write(t, filepath.Join(dir, "config.json"), []byte("{}"))
	return dir
}

func open(t *testing.T, dir string) *safetensors.Index {
	t.Helper()
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestModelIsWritten(t *testing.T) {
	from := original(t)
	dir := filepath.Join(t.TempDir(), "models", "tuned")
	err := WriteModel(t.Context(), dir, Model{
		Original: open(t, from),
		Changed: []Changed{
			{Name: "wide", DType: safetensors.BF16, Shape: []int64{2, 2}, Values: []float32{1, -2, 1.00390625, 1.01171875}},
			{Name: "bias", DType: safetensors.F32, Shape: []int64{}, Values: []float32{-12.5}},
		},
		Copy:  []string{filepath.Join(from, "config.json")},
		Files: map[string][]byte{"README.md": []byte("tuned")},
	})
	if err != nil {
		t.Fatal(err)
	}
	written := open(t, dir)
	if names := written.Names(); !slices.Equal(names, []string{"bias", "half", "wide"}) || !slices.Equal(written.Files, []string{safetensors.SingleFile}) {
		t.Errorf("%v are in %v", names, written.Files)
	}
	if raw, err := written.Raw("half"); err != nil || !slices.Equal(raw, []byte{1, 2, 3, 4, 5, 6}) {
		t.Errorf("half is %v: %v", raw, err)
	}
	// 1 + 2^-8 lies half-way and goes to the even 1; 1 + 3*2^-8 to the even 1 + 2^-6.
	if values, err := written.Floats("wide"); err != nil || !slices.Equal(values, []float32{1, -2, 1, 1.015625}) {
		t.Errorf("wide is %v: %v", values, err)
	}
	if values, err := written.Floats("bias"); err != nil || !slices.Equal(values, []float32{-12.5}) {
		t.Errorf("bias is %v: %v", values, err)
	}
	for name, want := range map[string]string{"config.json": "{}", "README.md": "tuned"} {
		if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(content) != want {
			t.Errorf("%s is %q: %v", name, content, err)
		}
	}
	for _, name := range written.Names() {
		if tensor, _ := written.Tensor(name); tensor.DType == safetensors.F32 && tensor.Offset%4 != 0 {
			t.Errorf("%s lies at byte %d", name, tensor.Offset)
		}
	}
}

// TestModelIsConverted stores matrices in 16 bits, and all else as it was.
func TestModelIsConverted(t *testing.T) {
	const rows = 3 * chunk / 2 // read in two parts, and the second is shorter
	table := make([]float32, 2*rows)
	for i := range table {
		table[i] = float32(i) / 64
	}
	from := filepath.Join(t.TempDir(), "wide")
	err := WriteModel(t.Context(), from, Model{Changed: []Changed{
		{Name: "table", DType: safetensors.F32, Shape: []int64{rows, 2}, Values: table},
		{Name: "empty", DType: safetensors.F32, Shape: []int64{0, 4}},
		{Name: "brain", DType: safetensors.BF16, Shape: []int64{1, 2}, Values: []float32{0.5, -2}},
		{Name: "bias", DType: safetensors.F32, Shape: []int64{2}, Values: []float32{1.0001, 70000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "half")
	if err := WriteModel(t.Context(), to, Model{Original: open(t, from), Matrices: safetensors.F16}); err != nil {
		t.Fatal(err)
	}
	for i, value := range table {
		table[i] = half.From(half.To(value))
	}
	written := open(t, to)
	for name, want := range map[string]struct {
		dtype  safetensors.DType
		values []float32
	}{
		"table": {safetensors.F16, table}, "empty": {safetensors.F16, nil},
		"brain": {safetensors.F16, []float32{0.5, -2}}, "bias": {safetensors.F32, []float32{1.0001, 70000}},
	} {
		tensor, _ := written.Tensor(name)
		if values, err := written.Floats(name); err != nil || tensor.DType != want.dtype || !slices.Equal(values, want.values) {
			t.Errorf("%s is of type %s, want %s, or other values: %v", name, tensor.DType, want.dtype, err)
		}
	}
	// Back again is longer, and loses nothing more.
	back := filepath.Join(t.TempDir(), "back")
	if err := WriteModel(t.Context(), back, Model{Original: written, Matrices: safetensors.F32}); err != nil {
		t.Fatal(err)
	}
	if values, err := open(t, back).Floats("table"); err != nil || !slices.Equal(values, table) {
		t.Errorf("the table has other values: %v", err)
	}
}

func TestModelFromScratch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	err := WriteModel(t.Context(), dir, Model{Changed: []Changed{{Name: "w", DType: safetensors.F32, Shape: []int64{1}, Values: []float32{3}}}})
	if err != nil {
		t.Fatal(err)
	}
	if values, err := open(t, dir).Floats("w"); err != nil || !slices.Equal(values, []float32{3}) {
		t.Errorf("w is %v: %v", values, err)
	}
}

// TestModelRefused demands that nothing is there after an error.
func TestModelRefused(t *testing.T) {
	from := original(t)
	wide := Changed{Name: "wide", DType: safetensors.F32, Shape: []int64{2}, Values: []float32{1, 2}}
	for _, test := range []struct {
		name   string
		change func(model *Model)
		want   string
	}{
		{"not a number", func(m *Model) { m.Changed[0].Values = []float32{1, float32(math.NaN())} }, `tensor "wide": value 1 is NaN`},
		{"unknown", func(m *Model) { m.Changed[0].Name = "wild" }, `tensor "wild" is not in the original`},
		{"twice", func(m *Model) { m.Changed = append(m.Changed, wide) }, `tensor "wide" is given twice`},
		{"shape", func(m *Model) { m.Changed[0].Shape = []int64{3} }, "has 2 values for the shape [3]"},
		{"negative", func(m *Model) { m.Changed[0].Shape = []int64{-1, -2} }, "has 2 values for the shape [-1 -2]"},
		{"beyond float16", func(m *Model) { m.Changed[0].DType, m.Changed[0].Values = safetensors.F16, []float32{65519, -65520} },
			`tensor "wide": value 1 is -65520, and float16 ends at 65504: use bfloat16`},
		{"type of matrices", func(m *Model) { m.Matrices = safetensors.I8 }, "cannot be written as I8"},
		{"type", func(m *Model) { m.Changed[0].DType = safetensors.I8 }, "cannot be written as I8"},
		{"copy", func(m *Model) { m.Copy = []string{filepath.Join(from, "tokenizer.json")} }, "tokenizer.json"},
		{"path", func(m *Model) { m.Files = map[string][]byte{"../up": nil} }, `"../up" cannot name a file`},
		{"weights as a file", func(m *Model) { m.Files = map[string][]byte{safetensors.SingleFile: nil} }, "exists"},
		{"original cut", func(m *Model) {
			if err := os.Truncate(filepath.Join(from, "model-00001-of-00002.safetensors"), 100); err != nil {
				t.Fatal(err)
			}
		}, `tensor "half": EOF`},
	} {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			changed := wide
			model := Model{Original: open(t, from), Changed: []Changed{changed}}
			test.change(&model)
			err := WriteModel(t.Context(), filepath.Join(parent, "tuned"), model)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
				t.Errorf("%v is left: %v", entries, err)
			}
		})
	}
}

func TestModelIsNotReplaced(t *testing.T) {
	dir := original(t)
	err := WriteModel(t.Context(), dir, Model{})
	if err == nil || !strings.Contains(err.Error(), "it exists already") {
		t.Errorf("the error is %v", err)
	}
	if names := open(t, dir).Names(); len(names) != 3 {
		t.Errorf("the model that was there has %v", names)
	}
}

// TestModelLeavesOthersAlone demands that the leftovers of one model only are
// removed when it is written.
func TestModelLeavesOthersAlone(t *testing.T) {
	parent := t.TempDir()
	for _, name := range []string{".writing-mini-77", ".writing-mini-2-77"} {
		if err := os.Mkdir(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteModel(t.Context(), filepath.Join(parent, "mini"), Model{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(parent, ".writing-mini-77")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a leftover of the model stays: %v", err)
	}
	if _, err := os.Stat(filepath.Join(parent, ".writing-mini-2-77")); err != nil {
		t.Errorf("what is written by another is gone: %v", err)
	}
}
