package fresh_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
	"polylens/trainer/fresh"
)

// bundled is a model directory whose tokenizer has 16,384 tokens.
const bundled = "../../encoder/hub/polylens-mini"

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func mustWrite(t *testing.T, options fresh.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := fresh.Write(t.Context(), dir, mustRead(t, bundled+"/config.json"), bundled, options); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustOpen(t *testing.T, dir string) *safetensors.Index {
	t.Helper()
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func mustFloats(t *testing.T, index *safetensors.Index, name string) []float32 {
	t.Helper()
	values, err := index.Floats(name)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// statistics are those of a tensor: its mean, its deviation from 0, and the
// largest value.
func statistics(values []float32) (mean, deviation, largest float64) {
	for _, value := range values {
		mean += float64(value) / float64(len(values))
		deviation += float64(value) * float64(value) / float64(len(values))
		largest = max(largest, math.Abs(float64(value)))
	}
	return mean, math.Sqrt(deviation), largest
}

// TestWriteFollowsTransformers checks deviations and bounds that follow from the
// rules of transformers for a width of 192, an MLP of 768 and patches of 8.
func TestWriteFollowsTransformers(t *testing.T) {
	index := mustOpen(t, mustWrite(t, fresh.Options{Seed: 1}))
	uniform := func(in, out float64) (deviation, bound float64) {
		bound = math.Sqrt(6 / (in + out))
		return bound / math.Sqrt(3), bound
	}
	square, squareBound := uniform(192, 192)
	mlp, mlpBound := uniform(192, 768)
	packed, packedBound := uniform(192, 576)
	truncated := func(in float64) float64 { return 2 / math.Sqrt(in) / 0.87962566 }
	unbound := math.Inf(1)
	for _, test := range []struct {
		name             string
		deviation, bound float64
	}{
		{"text_model.embeddings.token_embedding.weight", 1 / math.Sqrt(192), unbound},
		{"text_model.embeddings.position_embedding.weight", 1 / math.Sqrt(192), unbound},
		{"vision_model.embeddings.position_embedding.weight", 1 / math.Sqrt(192), unbound},
		{"vision_model.embeddings.patch_embedding.weight", 1 / math.Sqrt(192), truncated(192)},
		{"vision_model.encoder.layers.0.self_attn.q_proj.weight", square, squareBound},
		{"text_model.encoder.layers.2.self_attn.out_proj.weight", square, squareBound},
		{"text_model.encoder.layers.1.mlp.fc1.weight", mlp, mlpBound},
		{"vision_model.head.mlp.fc2.weight", mlp, mlpBound},
		{"vision_model.head.attention.in_proj_weight", packed, packedBound},
		{"vision_model.head.attention.out_proj.weight", 1 / math.Sqrt(192), truncated(192)},
		{"vision_model.head.probe", square, squareBound},
		{"text_model.head.weight", 1 / math.Sqrt(192), truncated(192)},
		{"text_model.encoder.layers.0.mlp.fc1.bias", 1e-6, 1e-5},
		{"text_model.head.bias", 0, 0},
		{"vision_model.encoder.layers.5.self_attn.k_proj.bias", 0, 0},
		{"vision_model.post_layernorm.bias", 0, 0},
	} {
		values := mustFloats(t, index, test.name)
		mean, deviation, largest := statistics(values)
		allowed := 4 / math.Sqrt(float64(len(values))) // sampling error, four deviations of it
		if math.Abs(mean) > allowed*test.deviation || math.Abs(deviation-test.deviation) > allowed*test.deviation {
			t.Errorf("%s: mean %g and deviation %g, want 0 and %g", test.name, mean, deviation, test.deviation)
		}
		if largest > test.bound*(1+1e-6) {
			t.Errorf("%s: the largest value is %g, want at most %g", test.name, largest, test.bound)
		}
	}
}

func TestWriteFillsConstants(t *testing.T) {
	index := mustOpen(t, mustWrite(t, fresh.Options{Seed: 1}))
	for name, want := range map[string]float32{
		"logit_scale":                                    math.Ln10,
		"logit_bias":                                     -10,
		"vision_model.post_layernorm.weight":             1,
		"vision_model.head.layernorm.weight":             1,
		"text_model.final_layer_norm.weight":             1,
		"text_model.encoder.layers.0.layer_norm1.weight": 1,
		"text_model.encoder.layers.0.layer_norm2.bias":   0,
	} {
		for _, value := range mustFloats(t, index, name) {
			if value != want {
				t.Fatalf("%s holds %g, want %g", name, value, want)
			}
		}
	}
}

// TestWriteHasTheTensorsOfACheckpoint compares with a model that transformers
// has loaded.
func TestWriteHasTheTensorsOfACheckpoint(t *testing.T) {
	index, trained := mustOpen(t, mustWrite(t, fresh.Options{Seed: 1})), mustOpen(t, bundled)
	if got, want := strings.Join(index.Names(), "\n"), strings.Join(trained.Names(), "\n"); got != want {
		t.Fatalf("tensors:\n%s\nwant:\n%s", got, want)
	}
	for _, name := range index.Names() {
		got, _ := index.Tensor(name)
		want, _ := trained.Tensor(name)
		if got.Elements() != want.Elements() || len(got.Shape) != len(want.Shape) {
			t.Errorf("%s has the shape %v, want %v", name, got.Shape, want.Shape)
		}
	}
}

func TestWriteDependsOnTheSeedAlone(t *testing.T) {
	weights := func(options fresh.Options) []byte {
		return mustRead(t, filepath.Join(mustWrite(t, options), safetensors.SingleFile))
	}
	one := weights(fresh.Options{Seed: 1})
	if !bytes.Equal(one, weights(fresh.Options{Seed: 1})) {
		t.Error("equal seeds give different weights")
	}
	if bytes.Equal(one, weights(fresh.Options{Seed: 2})) {
		t.Error("different seeds give equal weights")
	}
}

func TestWriteForShortTraining(t *testing.T) {
	usual, short := mustOpen(t, mustWrite(t, fresh.Options{Seed: 1})), mustOpen(t, mustWrite(t, fresh.Options{Seed: 1, Short: true}))
	for name, want := range map[string]float64{
		"vision_model.encoder.layers.0.self_attn.out_proj.weight": 1 / math.Sqrt(12),
		"text_model.encoder.layers.2.mlp.fc2.weight":              1 / math.Sqrt(6),
		"vision_model.head.mlp.fc2.weight":                        1,
		"text_model.encoder.layers.2.mlp.fc1.weight":              1,
	} {
		was, is := mustFloats(t, usual, name), mustFloats(t, short, name)
		if got := float64(is[7] / was[7]); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %g times what it is usually, want %g", name, got, want)
		}
	}
	positions := mustFloats(t, short, "vision_model.embeddings.position_embedding.weight")
	for place := range 64 { // sine and cosine of each wave
		row := positions[place*192 : (place+1)*192]
		for i := range 48 {
			if length := math.Hypot(float64(row[i]), float64(row[48+i])); math.Abs(length-0.6) > 1e-6 {
				t.Fatalf("patch %d, wave %d: the length is %g, want 0.6", place, i, length)
			}
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	config := string(mustRead(t, bundled+"/config.json"))
	for name, test := range map[string]struct{ config, tokens, want string }{
		"fewer rows than tokens": {strings.Replace(config, "16384", "16000", 1), bundled, "set text_config.vocab_size to 16384"},
		"native aspect ratio":    {strings.Replace(strings.Replace(config, `"siglip"`, `"siglip2"`, 1), `"image_size": 64`, `"num_patches": 64`, 1), bundled, "native aspect ratio"},
		"not JSON":               {"{", bundled, "no SigLIP config"},
		"no tokenizer":           {config, t.TempDir(), "tokenizer"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			err := fresh.Write(t.Context(), dir, []byte(test.config), test.tokens, fresh.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("a directory is there: %v", err)
			}
		})
	}
}
