package fresh_test

import (
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
	"polylens/trainer/fresh"
)

// TestConvert stores a model in 16 bits: its matrices are half as large, its
// other files the same.
func TestConvert(t *testing.T) {
	from, to := mustWrite(t, fresh.Options{Seed: 1}), filepath.Join(t.TempDir(), "half")
	if err := fresh.Convert(t.Context(), from, to, "float16"); err != nil {
		t.Fatal(err)
	}
	before, after := mustOpen(t, from), mustOpen(t, to)
	for _, name := range before.Names() {
		tensor, _ := after.Tensor(name)
		want := safetensors.F32
		if len(tensor.Shape) > 1 {
			want = safetensors.F16
		}
		if tensor.DType != want {
			t.Errorf("%s of shape %v is stored as %s, want %s", name, tensor.Shape, tensor.DType, want)
		}
	}
	for _, name := range []string{"config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"} {
		if string(mustRead(t, filepath.Join(to, name))) != string(mustRead(t, filepath.Join(from, name))) {
			t.Errorf("%s has changed", name)
		}
	}
	small := filepath.Join(t.TempDir(), "small")
	if err := fresh.Prune(t.Context(), to, small, texts, 0); err != nil {
		t.Fatal(err)
	}
	if tensor, _ := mustOpen(t, small).Tensor(table); tensor.DType != safetensors.F16 {
		t.Errorf("a smaller vocabulary makes %s of a table in F16", tensor.DType)
	}
}

func TestConvertRefuses(t *testing.T) {
	err := fresh.Convert(t.Context(), bundled, filepath.Join(t.TempDir(), "model"), "int8")
	if err == nil || !strings.Contains(err.Error(), `"int8" is unknown`) {
		t.Errorf("the error is %v", err)
	}
}
