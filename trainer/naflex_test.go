package trainer_test

import (
	"context"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"polylens/encoder"
	"polylens/encoder/preprocess"
	"polylens/internal/needs"
	"polylens/trainer"
	"polylens/trainer/caption"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// The small model with a vision tower of native aspect ratio.
const (
	nativeConfig = `{"model_type": "siglip2",
	"text_config": {"model_type": "siglip2_text_model", "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2,
		"num_attention_heads": 3, "vocab_size": 16384, "max_position_embeddings": 16, "projection_size": 32},
	"vision_config": {"model_type": "siglip2_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
		"num_attention_heads": 4, "num_patches": 16, "patch_size": 4}}`
	nativePreprocessor = `{"image_processor_type": "Siglip2ImageProcessor", "patch_size": 4, "max_num_patches": 80, "resample": 2,
	"do_resize": true, "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
	"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}`
)

func newNativeFixture(t *testing.T) fixture {
	t.Helper()
	f := newFixture(t)
	if err := os.RemoveAll(f.model()); err != nil {
		t.Fatal(err)
	}
	writeModel(t, f.model(), nativeConfig)
	write(t, filepath.Join(f.model(), "preprocessor_config.json"), nativePreprocessor)
	return f
}

// TestNative trains a model of native aspect ratio in every mode. What is
// written gives the vectors that the learner gives, of pictures of any shape.
func TestNative(t *testing.T) {
	for _, mode := range []string{"full", "lora", "last-1", "text-only"} {
		t.Run(mode, func(t *testing.T) {
			environment(t)
			f, config, folder := newNativeFixture(t), short(t, "full"), t.TempDir()
			config.Mode, config.Batch.Patches = mode, []int{64, 96, 150}
			pictures := f.shapes(t)
			before := f.vectors(t, f.model(), pictures)
			var given [][]float32
			result, err := trainer.Run(t.Context(), config, f.setting(t, config, folder), func(ctx context.Context, best *learner.Learner, _ *evaluate.Forgetting) error {
				encoded, err := best.EncodePatches(ctx, pictures)
				if err != nil {
					return err
				}
				given = slices.Collect(slices.Chunk(encoded.Floats, int(encoded.Shape[1])))
				return best.Write(ctx, filepath.Join(folder, "model"))
			})
			if err != nil {
				t.Fatal(err)
			}
			after := f.vectors(t, filepath.Join(folder, "model"), pictures)
			if off := apart(after, given); !(off < 1e-5) {
				t.Errorf("vectors of the model that was written are off by %v", off)
			}
			if off := apart(f.transformers(t, filepath.Join(folder, "model"), pictures), given); !(off < 1e-5) {
				t.Errorf("transformers' vectors are off by %v", off)
			}
			if changed := apart(after, before) > 1e-4; changed != (mode != "text-only") || result.Pictures != changed {
				t.Errorf("vectors of pictures have changed: %v; the result says %v", changed, result.Pictures)
			}
		})
	}
}

// shapes are pictures of several shapes, as the model takes them.
func (f fixture) shapes(t *testing.T) []preprocess.Pixels {
	t.Helper()
	processor := must(preprocess.Open(f.model()))
	var pictures []preprocess.Pixels
	for number, size := range []image.Point{{40, 40}, {90, 30}, {20, 100}, {7, 300}} {
		picture := image.NewGray(image.Rectangle{Max: size})
		for i := range picture.Pix {
			picture.Pix[i] = uint8(i * (number + 3))
		}
		pictures = append(pictures, must(processor.Process(picture)))
	}
	return pictures
}

// vectors are those that search has with a model.
func (f fixture) vectors(t *testing.T, dir string, pictures []preprocess.Pixels) [][]float32 {
	t.Helper()
	e := must(encoder.Open(t.Context(), dir, encoder.Options{Library: needs.ONNXRuntime(t), Threads: 2, Cache: t.TempDir()}))
	defer e.Close()
	return must(e.EncodePixels(t.Context(), pictures))
}

// apart is the largest difference of a number of the vectors that there are.
func apart(got, want [][]float32) float64 {
	worst := 0.0
	for i := range got {
		for j := range want[i] {
			worst = max(worst, math.Abs(float64(got[i][j])-float64(want[i][j])))
		}
	}
	return worst
}

// TestNativeResumed stops a run and goes on: it sees the lengths that an
// undisturbed one sees.
func TestNativeResumed(t *testing.T) {
	environment(t)
	f, config := newNativeFixture(t), short(t, "full")
	config.Steps, config.Checkpoint.Every, config.Batch.Patches = 8, 1, []int{64, 96, 150}
	undisturbed, disturbed := t.TempDir(), t.TempDir()
	if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
		t.Fatal(err)
	}
	f.stopAt(t, config, disturbed, 3)
	if _, err := f.train(t.Context(), t, config, disturbed); err != nil {
		t.Fatal(err)
	}
	compareRuns(t, disturbed, undisturbed)
}

// stopAt lets a run stop after a step.
func (f fixture) stopAt(t *testing.T, config trainer.Config, folder string, step int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	setting := f.setting(t, config, folder)
	setting.Recorder = stopper{step, cancel}
	if _, err := trainer.Run(ctx, config, setting, unexpected(t)); err == nil {
		t.Fatal("the run did not stop")
	}
}

// stopper is a recorder that ends a run after a step.
type stopper struct {
	step int64
	stop func()
}

func (stopper) Begin(context.Context, int64, int64) error { return nil }

func (s stopper) Point(_ context.Context, step int64, _ map[string]float64) error {
	if step >= s.step {
		s.stop()
	}
	return nil
}

func (stopper) Best(context.Context, string, int64, float64) error { return nil }

// TestNativeKept demands that vectors of pictures that are kept change nothing.
func TestNativeKept(t *testing.T) {
	environment(t)
	f, config := newNativeFixture(t), short(t, "text-only")
	config.Batch.Patches = []int{100}
	kept, computed := t.TempDir(), t.TempDir()
	if _, err := f.train(t.Context(), t, config, kept); err != nil {
		t.Fatal(err)
	}
	config.Cache.Bytes = 0
	if _, err := f.train(t.Context(), t, config, computed); err != nil {
		t.Fatal(err)
	}
	compareFiles(t, kept, computed, filepath.Join("model", "model.safetensors"))
}

// TestNativeRefused demands errors for what cannot be, before the first step.
func TestNativeRefused(t *testing.T) {
	environment(t)
	for name, test := range map[string]struct {
		fixture func(*testing.T) fixture
		change  func(*trainer.Config)
		words   []string
	}{
		"fixed resolution": {newFixture, func(c *trainer.Config) { c.Batch.Patches = []int{128} }, []string{"batch.patches", "128", "24 x 24"}},
		"few patches":      {newNativeFixture, func(c *trainer.Config) { c.Batch.Patches = []int{128, 30} }, []string{"batch.patches", "30", "64 to 1024"}},
		"distillation":     {newNativeFixture, func(c *trainer.Config) { c.Distill.Factor = 1 }, []string{"native aspect ratio", "distill.factor"}},
		"captions":         {newNativeFixture, func(c *trainer.Config) { c.Captions = caption.Default() }, []string{"native aspect ratio", "captions.weight"}},
		"fewer patches":    {newNativeFixture, func(c *trainer.Config) { c.Keep.Patches = 5 }, []string{"native aspect ratio", "keep.patches"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, config := test.fixture(t), short(t, "full")
			test.change(&config)
			_, err := trainer.Run(t.Context(), config, f.setting(t, config, t.TempDir()), unexpected(t))
			checkError(t, err, test.words...)
		})
	}
}
