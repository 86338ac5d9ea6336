package siglip2_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/internal/formula"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// encodings turn a float32 of few bits into the bytes of each type.
var encodings = map[safetensors.DType]func([]byte, float32) []byte{
	safetensors.F32: func(raw []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	},
	safetensors.BF16: func(raw []byte, v float32) []byte {
		return binary.LittleEndian.AppendUint16(raw, uint16(math.Float32bits(v)>>16))
	},
	safetensors.F16: func(raw []byte, v float32) []byte {
		bits := math.Float32bits(v)
		if v == 0 {
			return append(raw, 0, 0)
		}
		return binary.LittleEndian.AppendUint16(raw, uint16(bits>>16&0x8000|(bits>>23&0xff-112)<<10|bits>>13&0x3ff))
	},
}

// coarse keeps the bits of a number that bfloat16 and float16 both have.
func coarse(v float32) float32 {
	if v > -1.0/(1<<14) && v < 1.0/(1<<14) {
		return 0
	}
	return math.Float32frombits(math.Float32bits(v) &^ 0xffff)
}

// writeAs writes coarse weights in another element type.
func writeAs(t *testing.T, dir string, dtype safetensors.DType, weights []safetensors.Weights) {
	t.Helper()
	header := map[string]any{}
	var raw []byte
	for _, tensor := range weights {
		start := len(raw)
		for _, value := range tensor.Values {
			raw = encodings[dtype](raw, coarse(value))
		}
		header[tensor.Name] = map[string]any{"dtype": dtype, "shape": tensor.Shape, "data_offsets": []int{start, len(raw)}}
	}
	encoded, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	content := binary.LittleEndian.AppendUint64(nil, uint64(len(encoded)))
	if err := os.WriteFile(filepath.Join(dir, safetensors.SingleFile), slices.Concat(content, encoded, raw), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestHalfPrecisionWeights: weights stored in 16 bits compute exactly what the
// same numbers in 32 bits do. Odd offsets in the file do not matter either.
func TestHalfPrecisionWeights(t *testing.T) {
	reference := readReference(t, "odd")
	config, err := siglip2.ParseConfig(reference.Config)
	if err != nil {
		t.Fatal(err)
	}
	vectors := map[safetensors.DType][]float32{}
	for dtype := range encodings {
		dir := t.TempDir()
		writeAs(t, dir, dtype, formula.Weights(config))
		index, err := safetensors.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		text, vision := build(t, config, index, siglip2.Options{})
		texts, err := session(t, text, dir).Run(t.Context(), idsTensor(reference.InputIDs))
		if err != nil {
			t.Fatal(err)
		}
		pictures, err := session(t, vision, dir).Run(t.Context(), pixels(config, 2))
		if err != nil {
			t.Fatal(err)
		}
		vectors[dtype] = slices.Concat(texts[0].Floats, pictures[0].Floats)
	}
	for dtype, got := range vectors {
		if !slices.Equal(got, vectors[safetensors.F32]) {
			t.Errorf("weights in %s compute something else than in F32", dtype)
		}
	}
}

// TestWeightsMustFitConfig: what the checkpoint holds and what config.json
// describes must be the same model.
func TestWeightsMustFitConfig(t *testing.T) {
	reference := readReference(t, "odd")
	config, err := siglip2.ParseConfig(reference.Config)
	if err != nil {
		t.Fatal(err)
	}
	extra := func(name string) func([]safetensors.Weights) []safetensors.Weights {
		return func(w []safetensors.Weights) []safetensors.Weights {
			return append(w, safetensors.Weights{Name: name, Shape: []int64{1}, Values: []float32{0}})
		}
	}
	tests := []struct {
		name   string
		change func([]safetensors.Weights) []safetensors.Weights
		want   string // "" when it builds
	}{
		{"position numbers", extra("text_model.embeddings.position_ids"), ""},
		{"extra text weight", extra("text_model.adapter.weight"), `tensor "text_model.adapter.weight", which`},
		{"extra vision weight", extra("vision_model.encoder.layers.3.layer_norm1.bias"), "layers.3"},
		{"strange weight", extra("model.weight"), `"model.weight"`},
		{"missing weight", func(w []safetensors.Weights) []safetensors.Weights { return w[:len(w)-1] }, `lacks tensor "vision_model.head.mlp.fc2.bias" of shape [48]`},
		{"other shape", func(w []safetensors.Weights) []safetensors.Weights {
			w[2].Shape = []int64{131 * 40, 1}
			return w
		}, "has shape [5240 1], config.json asks for [131 40]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), test.change(formula.Weights(config))); err != nil {
				t.Fatal(err)
			}
			index, err := safetensors.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, textErr := siglip2.BuildText(config, siglip2.Stored(index), siglip2.Options{})
			_, visionErr := siglip2.BuildVision(config, siglip2.Stored(index), siglip2.Options{})
			for _, err := range []error{textErr, visionErr} {
				if err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("error %v does not say %q", err, test.want)
				}
			}
			if test.want != "" && textErr == nil && visionErr == nil {
				t.Error("a model that does not fit was built")
			}
		})
	}
}
