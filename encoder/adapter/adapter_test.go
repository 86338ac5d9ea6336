package adapter

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/internal/formula"
	"polylens/encoder/safetensors"
)

// cases are the folders that testdata/write_reference.py wrote.
var cases = []string{"linear", "patterns", "modules", "dora", "biased", "float16", "bfloat16"}

func open(t testing.TB, dir string) *Adapter {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestMerge: the weights that change are those that PEFT's merge_and_unload
// changes, and they get its values.
func TestMerge(t *testing.T) {
	for _, name := range cases {
		t.Run(name, func(t *testing.T) {
			a := open(t, filepath.Join("testdata", name))
			merged, err := safetensors.OpenFile(filepath.Join("testdata", name, "merged.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.Targets(), merged.Names()) {
				t.Fatalf("changes %v, PEFT changes %v", a.Targets(), merged.Names())
			}
			for _, weight := range a.Targets() {
				compare(t, a, merged, weight)
			}
			if err := a.Check(merged); err != nil {
				t.Error(err)
			}
		})
	}
}

func compare(t *testing.T, a *Adapter, merged *safetensors.Index, name string) {
	t.Helper()
	tensor, _ := merged.Tensor(name)
	want, err := merged.Floats(name)
	if err != nil {
		t.Fatal(err)
	}
	got := formula.Weight(name, tensor.Shape)
	if err := a.Merge(name, got, tensor.Shape); err != nil {
		t.Fatal(err)
	}
	var scale, difference float64
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i])))
		difference = max(difference, math.Abs(float64(got[i])-float64(want[i])))
	}
	if !(difference <= 1e-6*scale) {
		t.Errorf("%s differs by %.1e, its scale is %.1e", name, difference, scale)
	}
}

func TestBase(t *testing.T) {
	a := open(t, "testdata/linear")
	if name, revision := a.Base(); name != "google/siglip2-tiny" || revision != "5f3a" {
		t.Errorf("base %q, revision %q", name, revision)
	}
	if _, ok := a.Delta("text_model.encoder.layers.0.self_attn.k_proj.weight"); ok {
		t.Error("a weight without an adapter has a delta")
	}
	delta, ok := a.Delta("text_model.head.weight")
	if !ok || delta.Scale != 1.5 || delta.A.Shape[0] != 2 || delta.B.Shape[1] != 2 || delta.Transposed {
		t.Errorf("text_model.head.weight: %v %+v", ok, delta)
	}
}

// TestMergeLeavesOthers: weights of no concern stay, wrong shapes are errors.
func TestMergeLeavesOthers(t *testing.T) {
	a := open(t, "testdata/linear")
	values := []float32{1, 2}
	if err := a.Merge("logit_scale", values, []int64{2}); err != nil || !slices.Equal(values, []float32{1, 2}) {
		t.Errorf("%v, %v", values, err)
	}
	for _, shape := range [][]int64{{4, 16}, {64}, {8, 8}} {
		if err := a.Merge("text_model.head.weight", values, shape); err == nil {
			t.Errorf("2 values were taken as shape %v", shape)
		}
	}
}

func TestMergeRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, settings{}, map[string][]int64{"text_model.head.lora_A.weight": {8, 2}, "text_model.head.lora_B.weight": {2, 8}})
	a := open(t, dir)
	if err := a.Merge("text_model.head.weight", []float32{0, float32(math.Inf(1)), 0, 0}, []int64{2, 2}); err == nil {
		t.Error("an infinite weight was accepted")
	}
}

func TestCheckRefusesOtherModels(t *testing.T) {
	a := open(t, "testdata/linear")
	dir := t.TempDir()
	tensors := []safetensors.Weights{{Name: "text_model.head.weight", Shape: []int64{1, 2}, Values: []float32{0, 0}}}
	if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), tensors); err != nil {
		t.Fatal(err)
	}
	model, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = a.Check(model)
	for _, part := range []string{`lacks "text_model.encoder.layers.0.mlp.fc1.weight"`, "11 more", "google/siglip2-tiny"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}

// settings are keys of adapter_config.json.
type settings map[string]any

// write writes an adapter of zeros; names lack PEFT's prefix.
func write(t testing.TB, dir string, extra settings, shapes map[string][]int64) {
	t.Helper()
	keys := settings{"peft_type": "LORA", "r": 8, "lora_alpha": 8}
	maps.Copy(keys, extra)
	content, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	var tensors []safetensors.Weights
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		shape := shapes[name]
		tensors = append(tensors, safetensors.Weights{Name: prefix + name, Shape: shape, Values: make([]float32, elements(shape))})
	}
	if err := safetensors.WriteFile(filepath.Join(dir, WeightsFile), tensors); err != nil {
		t.Fatal(err)
	}
}

// TestOpenRefuses: what cannot be merged exactly is an error that names it.
func TestOpenRefuses(t *testing.T) {
	factors := func(a, b []int64) map[string][]int64 {
		return map[string][]int64{"q_proj.lora_A.weight": a, "q_proj.lora_B.weight": b}
	}
	with := func(shapes map[string][]int64, name string, shape ...int64) map[string][]int64 {
		shapes[name] = shape
		return shapes
	}
	good := func() map[string][]int64 { return factors([]int64{8, 4}, []int64{4, 8}) }
	tests := []struct {
		name     string
		settings settings
		shapes   map[string][]int64
		want     string
	}{
		{"no weights", nil, nil, "holds no weights"},
		{"no A", nil, map[string][]int64{"q_proj.lora_B.weight": {4, 8}}, "lora_A and lora_B is missing"},
		{"no B", nil, map[string][]int64{"q_proj.lora_A.weight": {8, 4}}, "lora_A and lora_B is missing"},
		{"other rank", settings{"r": 4}, good(), "gives it rank 4"},
		{"other rank by pattern", settings{"rank_pattern": settings{"q_proj": 3}}, good(), "gives it rank 3"},
		{"ranks differ", nil, factors([]int64{8, 4}, []int64{4, 7}), "gives it rank 8"},
		{"odd shapes", nil, factors([]int64{8, 4, 1}, []int64{4, 8}), "no supported layer"},
		{"large kernel in B", nil, factors([]int64{8, 3, 2, 2}, []int64{4, 8, 2, 2}), "no supported layer"},
		{"replacement of another shape", nil, with(good(), "q_proj.base_layer.weight", 4, 5), "[4 5]"},
		{"bias of another shape", nil, with(with(good(), "q_proj.lora_B.bias", 4), "q_proj.base_layer.bias", 5), "[5]"},
		{"DoRA without magnitude", settings{"use_dora": true}, good(), "use_dora is true"},
		{"magnitude without DoRA", nil, with(good(), "q_proj.lora_magnitude_vector", 4), "use_dora is false"},
		{"magnitude of another length", settings{"use_dora": true}, with(good(), "q_proj.lora_magnitude_vector", 3), "4 lengths are needed"},
		{"magnitude alone", nil, map[string][]int64{"q_proj.lora_magnitude_vector": {4}}, "no factors"},
		{"unknown part", nil, with(good(), "q_proj.lora_E", 4), `"base_model.model.q_proj.lora_E" has an unknown part`},
		{"one part twice", nil, with(good(), "q_proj.lora_embedding_A", 8, 4), "same part"},
		{"bias of the pooling head", nil, map[string][]int64{"vision_model.head.attention.lora_B.bias": {4}}, "lora_bias"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.settings, test.shapes)
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want one that names the folder and %q", err, test.want)
			}
		})
	}
}

func TestOpenRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	expectError(t, dir, "save_pretrained")
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(`{"peft_type":"LORA"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	expectError(t, dir, WeightsFile)
	if err := os.WriteFile(filepath.Join(dir, pickleFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expectError(t, dir, "refused")
	foreign := []safetensors.Weights{{Name: "unet.q_proj.lora_A.weight", Shape: []int64{1}, Values: []float32{0}}}
	if err := safetensors.WriteFile(filepath.Join(dir, WeightsFile), foreign); err != nil {
		t.Fatal(err)
	}
	expectError(t, dir, "not written by PEFT")
	integers := []byte(`        {"base_model.model.head.weight":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}01234567`)
	copy(integers, []byte{byte(len(integers) - 16), 0, 0, 0, 0, 0, 0, 0})
	if err := os.WriteFile(filepath.Join(dir, WeightsFile), integers, 0o600); err != nil {
		t.Fatal(err)
	}
	expectError(t, dir, "type I64")
}

// TestOpenFollowsLinks: the cache of Hugging Face consists of links, which are
// followed only where the caller allows it.
func TestOpenRefusesLinks(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "snapshot")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ConfigFile, WeightsFile} {
		content, err := os.ReadFile(filepath.Join("testdata/linear", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	expectError(t, dir, "link")
}

func expectError(t *testing.T, dir, want string) {
	t.Helper()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not say %q", err, want)
	}
}
