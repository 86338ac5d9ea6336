package trainer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"polylens/trainer"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// plain is a run of few steps over pictures that are not changed, without
// evaluations.
func plain(t *testing.T, mode string) trainer.Config {
	t.Helper()
	config, err := trainer.Preset("text-only")
	if err != nil {
		t.Fatal(err)
	}
	config.Mode, config.Steps, config.Optimizer.Warmup, config.Optimizer.LearningRate = mode, 12, 2, 1e-3
	config.Batch.Pictures, config.Validation.Every, config.Checkpoint.Every = 6, 0, 5
	return config
}

// weightsOf trains and gives the bytes of the weights.
func (f fixture) weightsOf(t *testing.T, config trainer.Config, folder string) string {
	t.Helper()
	if _, err := f.train(t.Context(), t, config, folder); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(folder, "model", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// interrupted trains until a step has been taken, and ends there.
func (f fixture) interrupted(t *testing.T, config trainer.Config, folder string, step int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	setting := f.setting(t, config, folder)
	setting.Recorder = until{step: step, cancel: cancel}
	_, err := trainer.Run(ctx, config, setting, func(context.Context, *learner.Learner, *evaluate.Forgetting) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the run ended with %v", err)
	}
}

// until cancels after a step.
type until struct {
	trainer.Recorder
	step   int64
	cancel func()
}

func (u until) Begin(context.Context, int64, int64) error { return nil }

func (u until) Point(_ context.Context, step int64, _ map[string]float64) error {
	if step >= u.step {
		u.cancel()
	}
	return nil
}

// TestCacheChangesNothing demands the same weights whatever is kept where: all
// or a part, in memory or a file, found from a run before or damaged.
func TestCacheChangesNothing(t *testing.T) {
	f := newFixture(t)
	for mode, precisions := range map[string][]string{"last-1": {"float32", "float16"}, "query": {"float32"}, "text-only": {"float16"}} {
		for _, precision := range precisions {
			t.Run(mode+" "+precision, func(t *testing.T) {
				config := plain(t, mode)
				config.Cache.Precision = precision
				want := f.weightsOf(t, config, t.TempDir())
				file, part := config, config
				file.Cache.Memory, part.Cache.Memory, part.Cache.Bytes = 0, 0, 3000
				if f.weightsOf(t, file, t.TempDir()) != want {
					t.Error("a file gives other weights")
				}
				if f.weightsOf(t, part, t.TempDir()) != want {
					t.Error("a cache that holds a part gives other weights")
				}
				folder := t.TempDir()
				f.interrupted(t, file, folder, 7)
				damage(t, folder)
				if f.weightsOf(t, file, folder) != want {
					t.Error("a run that goes on with a damaged cache gives other weights")
				}
				if left := entries(t, folder); len(left) > 0 {
					t.Errorf("the finished run leaves %v", left)
				}
			})
		}
	}
}

func entries(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.entries"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// damage changes a byte in each record of the caches of a run.
func damage(t *testing.T, folder string) {
	t.Helper()
	paths := entries(t, folder)
	if len(paths) == 0 {
		t.Fatal("the run has kept nothing")
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(content) / 4; i < len(content); i += 50 {
			content[i] ^= 1
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCacheSparesReading demands that a picture is read no more once what enters
// a step for it is kept, and each time where it is changed at random.
func TestCacheSparesReading(t *testing.T) {
	f := newFixture(t)
	read := func(change func(*trainer.Config)) int {
		config := plain(t, "text-only")
		config.Steps = 40
		change(&config)
		setting := f.setting(t, config, t.TempDir())
		opener := &counting{Opener: setting.Reading.Opener}
		setting.Reading.Opener, setting.Guard = opener, nil
		_, err := trainer.Run(t.Context(), config, setting, func(context.Context, *learner.Learner, *evaluate.Forgetting) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return int(opener.count.Load())
	}
	always := read(func(c *trainer.Config) { c.Cache.Bytes = 0 })
	once := read(func(*trainer.Config) {})
	changed := read(func(c *trainer.Config) { c.Batch.Augmentation = "photo" })
	// Batches ahead are loaded before their pictures are kept, so a few are read twice.
	if once > 2*drawings || always < 40*6 || changed < 40*6 {
		t.Errorf("%d pictures were read with a cache, %d without, %d with augmentation", once, always, changed)
	}
}
