package derived

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"polylens/encoder/adapter"
	"polylens/encoder/safetensors"
	"polylens/internal/replace"
)

const layerName = "text_model.encoder.layers.0.self_attn.q_proj.weight"

// source is a checkpoint with one tensor of each kind.
func source(t *testing.T) *safetensors.Index {
	t.Helper()
	dir := t.TempDir()
	tensors := []safetensors.Weights{
		{Name: layerName, Shape: []int64{2, 3}, Values: []float32{1, -2, 0.5, 0, 0, 0}},
		{Name: "text_model.encoder.layers.0.self_attn.q_proj.bias", Shape: []int64{2}, Values: []float32{7, 8}},
		{Name: table, Shape: []int64{3, 2}, Values: []float32{4, 2, -1, 1, 0, 0}},
		{Name: "vision_model.head.mlp.fc1.weight", Shape: []int64{1, 2}, Values: []float32{0.1, 3}},
	}
	if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), tensors); err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func made(t *testing.T, recipe Recipe) *safetensors.Index {
	t.Helper()
	index, err := Make(t.Context(), recipe, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func expectFloats(t *testing.T, index *safetensors.Index, name string, want ...float32) {
	t.Helper()
	got, err := index.Floats(name)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s is %v, want %v: %v", name, got, want, err)
	}
}

func expectInts(t *testing.T, index *safetensors.Index, name string, shape []int64, want ...int8) {
	t.Helper()
	raw, err := index.Raw(name)
	if err != nil {
		t.Fatal(err)
	}
	var got []int8
	for _, b := range raw {
		got = append(got, int8(b))
	}
	tensor, _ := index.Tensor(name)
	if !slices.Equal(got, want) || !slices.Equal(tensor.Shape, shape) {
		t.Errorf("%s is %v of shape %v, want %v of shape %v", name, got, tensor.Shape, want, shape)
	}
}

func TestQuantized(t *testing.T) {
	index := made(t, Recipe{Source: source(t), Fingerprint: "f", Precision: INT8})
	expectInts(t, index, layerName, []int64{3, 2}, 64, 0, -127, 0, 32, 0) // 63.5 and 31.75 rounded, transposed
	expectFloats(t, index, layerName+"_scale", 2.0/127, 0)
	expectInts(t, index, table, []int64{3, 2}, 127, 64, -127, 127, 0, 0)
	expectFloats(t, index, table+"_scale", 4.0/127, 1.0/127, 0)
	expectFloats(t, index, "vision_model.head.mlp.fc1.weight", 0.1, 3)
	expectFloats(t, index, "text_model.encoder.layers.0.self_attn.q_proj.bias", 7, 8)
}

func TestHalved(t *testing.T) {
	index := made(t, Recipe{Source: source(t), Fingerprint: "f", Precision: FP16})
	expectFloats(t, index, layerName, 1, -2, 0.5, 0, 0, 0)
	expectFloats(t, index, "vision_model.head.mlp.fc1.weight", 0.0999755859375, 3)
	if bias, _ := index.Tensor("text_model.encoder.layers.0.self_attn.q_proj.bias"); bias.DType != safetensors.F32 {
		t.Errorf("a bias is stored as %s", bias.DType)
	}
}

// TestHalvedAlready: what is stored in 16 bits takes no second copy.
func TestHalvedAlready(t *testing.T) {
	recipe := Recipe{Source: source(t), Fingerprint: "f", Precision: FP16}
	if !recipe.Needed() {
		t.Error("a checkpoint in 32 bits is taken for one in 16")
	}
	recipe.Source = made(t, recipe)
	cache := t.TempDir()
	if index, err := Make(t.Context(), recipe, cache); err != nil || index != recipe.Source {
		t.Errorf("16 bits of 16 bits make %v, %v", index, err)
	}
	if entries, _ := os.ReadDir(cache); len(entries) > 0 {
		t.Errorf("it leaves %v", entries)
	}
	recipe.Precision = INT8
	if !recipe.Needed() {
		t.Error("16 bits are taken for 8")
	}
}

func lora(t *testing.T) *adapter.Adapter {
	t.Helper()
	dir := t.TempDir()
	settings, _ := json.Marshal(map[string]any{"peft_type": "LORA", "r": 1, "lora_alpha": 2, "target_modules": []string{"q_proj"}})
	if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	prefix := "base_model.model." + strings.TrimSuffix(layerName, ".weight")
	err := safetensors.WriteFile(filepath.Join(dir, "adapter_model.safetensors"), []safetensors.Weights{
		{Name: prefix + ".lora_A.weight", Shape: []int64{1, 3}, Values: []float32{1, 0, -1}},
		{Name: prefix + ".lora_B.weight", Shape: []int64{2, 1}, Values: []float32{0.5, 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := adapter.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestMerged(t *testing.T) {
	recipe := Recipe{Source: source(t), Fingerprint: "f", Precision: FP32, Adapter: lora(t)}
	index := made(t, recipe)
	expectFloats(t, index, layerName, 2, -2, -0.5, 4, 0, -4)
	expectFloats(t, index, table, 4, 2, -1, 1, 0, 0)
	recipe.Precision = INT8
	index = made(t, recipe)
	expectInts(t, index, layerName, []int64{3, 2}, 127, 127, -127, 0, -32, -127)
}

func TestNothingToMake(t *testing.T) {
	recipe := Recipe{Source: source(t), Fingerprint: "f", Precision: FP32}
	cache := t.TempDir()
	if index, err := Make(t.Context(), recipe, cache); err != nil || index != recipe.Source {
		t.Errorf("fp32 makes %v, %v", index, err)
	}
	if entries, _ := os.ReadDir(cache); len(entries) > 0 {
		t.Errorf("it leaves %v", entries)
	}
}

// TestMakeIsWholeAndOnce: damage and interruption leave nothing half made, and
// what is there is not made again.
func TestMakeIsWholeAndOnce(t *testing.T) {
	recipe, cache := Recipe{Source: source(t), Fingerprint: "f", Precision: INT8}, t.TempDir()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Make(ended, recipe, cache); !errors.Is(err, context.Canceled) {
		t.Fatalf("an ended context gives %v", err)
	}
	interrupted := filepath.Join(cache, "derived", replace.Unfinished+"other-1")
	if err := os.MkdirAll(interrupted, 0o700); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := Make(t.Context(), recipe, cache); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	file := filepath.Join(cache, "derived", recipe.name(), safetensors.SingleFile)
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(interrupted); err == nil {
		t.Error("what an interrupted process left stays")
	}
	if _, err := Make(t.Context(), recipe, cache); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(file); !os.SameFile(before, after) {
		t.Error("what is there was made again")
	}
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(t.Context(), recipe, cache); err != nil {
		t.Errorf("damage is not repaired: %v", err)
	}
}

func TestNamesDiffer(t *testing.T) {
	seen := map[string]Recipe{}
	for _, recipe := range []Recipe{
		{Fingerprint: "a", Precision: INT8}, {Fingerprint: "b", Precision: INT8}, {Fingerprint: "a", Precision: FP16},
		{Fingerprint: "a", Precision: FP32, Adapter: &adapter.Adapter{}},
	} {
		if other, taken := seen[recipe.name()]; taken {
			t.Errorf("%+v and %+v share a folder", recipe, other)
		}
		seen[recipe.name()] = recipe
	}
}
