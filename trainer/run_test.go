package trainer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
	"polylens/trainer"
	"polylens/trainer/checkpoint"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// short is a run of few steps.
func short(t *testing.T, mode string) trainer.Config {
	t.Helper()
	config := resumed(t, mode)
	config.Steps, config.Batch.Accumulate, config.Batch.Augmentation = 6, 1, "none"
	return config
}

// TestNotFinite demands an error that names the reason where numbers are no
// longer finite, and that nothing is written.
func TestNotFinite(t *testing.T) {
	environment(t)
	damagedText := func(f fixture, _ *trainer.Config) { damageWeights(t, f, "text_model.final_layer_norm.weight") }
	damagedVision := func(f fixture, _ *trainer.Config) { damageWeights(t, f, "vision_model.post_layernorm.weight") }
	unwatched := func(config *trainer.Config) { config.Validation.Every, config.Split.Validation = 0, 0 }
	for name, test := range map[string]struct {
		damage  func(f fixture, config *trainer.Config)
		guarded bool
		words   []string
	}{
		"damaged text tower":   {damagedText, true, []string{"before training", "not finite"}},
		"damaged vision tower": {damagedVision, true, []string{"before training", "not finite"}},
		"damaged, and nobody looks before": {func(f fixture, config *trainer.Config) {
			damagedText(f, config)
			unwatched(config)
		}, false, []string{"loss of step 1 is NaN", "damaged"}},
		"diverging": {func(_ fixture, config *trainer.Config) {
			config.Optimizer.LearningRate, config.Optimizer.Warmup = 1e30, 0
			unwatched(config)
		}, false, []string{"diverged", "learning"}},
		"diverging before an evaluation": {func(_ fixture, config *trainer.Config) {
			config.Optimizer.LearningRate, config.Optimizer.Warmup, config.Validation.Every = 1e38, 0, 1
		}, true, []string{"after step 1", "not finite"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, config, folder := newFixture(t), short(t, "full"), t.TempDir()
			test.damage(f, &config)
			setting := f.setting(t, config, folder)
			if !test.guarded {
				setting.Guard = nil
			}
			_, err := trainer.Run(t.Context(), config, setting, unexpected(t))
			checkError(t, err, test.words...)
			if steps := (checkpoint.Folder{Path: filepath.Join(folder, "checkpoints")}); len(must(steps.Steps())) > 0 {
				t.Errorf("checkpoints %v of a run that failed at once", must(steps.Steps()))
			}
		})
	}
}

// unexpected is for runs that must not come to their end.
func unexpected(t *testing.T) trainer.Write {
	return func(context.Context, *learner.Learner, *evaluate.Forgetting) error {
		t.Error("a model is written")
		return nil
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func checkError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error %q lacks %q", err, word)
		}
	}
}

// damageWeights lets a tensor of the model hold a value that is no number.
func damageWeights(t *testing.T, f fixture, name string) {
	t.Helper()
	index := must(safetensors.Open(f.model()))
	var all []safetensors.Weights
	for _, one := range index.Names() {
		tensor, _ := index.Tensor(one)
		values := must(index.Floats(one))
		if one == name {
			values[3] = float32(math.NaN())
		}
		all = append(all, safetensors.Weights{Name: one, Shape: tensor.Shape, Values: values})
	}
	if err := safetensors.WriteFile(filepath.Join(f.model(), safetensors.SingleFile), all); err != nil {
		t.Fatal(err)
	}
}

// TestRunRefuses demands that pairs with which nothing can be learnt are
// refused before anything is computed.
func TestRunRefuses(t *testing.T) {
	environment(t)
	for name, test := range map[string]struct {
		pairs  []int // numbers of drawings
		config func(config *trainer.Config)
		is     error
		words  []string
	}{
		"two pairs, all of them to be split": {[]int{0, 1}, func(config *trainer.Config) { config.Split.Validation = 0.9 }, inspect.ErrTooFewPairs, nil},
		"one item":                           {[]int{5, 5, 5}, func(config *trainer.Config) { config.Split.Validation, config.Validation.Every = 0, 0 }, inspect.ErrOneItem, nil},
		"a batch larger than the data": {[]int{0, 1, 2, 3}, func(config *trainer.Config) { config.Split.Validation, config.Validation.Every = 0, 0 }, batch.ErrTooFew,
			[]string{"4 items", "of 6", "make batches smaller"}},
		"too little to evaluate on": {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, func(config *trainer.Config) { config.Split.Validation = 0.01 }, nil,
			[]string{"0 pictures are kept aside", "split.validation"}},
		"more blocks than there are":    {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(config *trainer.Config) { config.Mode = "last-9" }, nil, []string{`"last-9"`, "2 and 2 blocks"}},
		"all items where nothing lasts": {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(config *trainer.Config) { config.Batch.AllItems = true }, nil, []string{"batch.all_items", `"full"`, "vision-only"}},
		"texts of all items that are not kept": {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(config *trainer.Config) {
			config.Mode, config.Batch.AllItems, config.Cache.Bytes = "vision-only", true, 0
		}, nil, []string{"batch.all_items", "cache.bytes"}},
		"an allowance for a language that is not guarded": {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(config *trainer.Config) {
			config.Guard.Languages = map[string]float64{"EN": 2, "xx": 2}
		}, nil, []string{`guard.languages: "xx"`, "en"}},
		"names where texts stay": {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, func(config *trainer.Config) {
			config.Mode, config.Batch.AllItems, config.Labels.Names = "vision-only", true, 1
		}, nil, []string{"labels.names", "leave it out"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, config, folder := newFixture(t), short(t, "full"), filepath.Join(t.TempDir(), "run")
			test.config(&config)
			write(t, f.pairs(), linesOf(test.pairs))
			setting := f.setting(t, config, folder)
			if len(config.Guard.Languages) == 0 {
				setting.Guard = nil
			}
			_, err := trainer.Run(t.Context(), config, setting, unexpected(t))
			checkError(t, err, test.words...)
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("the error %q is not %q", err, test.is)
			}
			if _, err := os.Stat(folder); err == nil {
				t.Error("the run has a folder")
			}
		})
	}
}

// linesOf are pairs in one language. Drawings that are named again are so under
// another text.
func linesOf(numbers []int) string {
	var lines strings.Builder
	for i, number := range numbers {
		fmt.Fprintf(&lines, `{"image":"picture-%02d.png","captions":{"en":"text %d"}}`+"\n", number, i)
	}
	return lines.String()
}

// TestOneLanguage trains on few pairs without a language, two of them in the
// batch, which is all.
func TestOneLanguage(t *testing.T) {
	environment(t)
	f, config := newFixture(t), short(t, "full")
	config.Split, config.Validation.Every, config.Batch.Pictures = trainer.Split{Near: -1}, 0, 2
	write(t, f.pairs(), `{"image":"picture-00.png","caption":"one"}`+"\n"+`{"image":"picture-01.png","caption":"two"}`+"\n")
	folder := t.TempDir()
	result, err := f.train(t.Context(), t, config, folder)
	if err != nil {
		t.Fatal(err)
	}
	if result.Steps != config.Steps || result.Best != nil || len(result.Forgetting.Languages) != 1 || result.Forgetting.Languages[0].Language != "und" {
		t.Errorf("%+v, %+v", result, result.Forgetting)
	}
}

// TestOtherRun goes on under another configuration or with other pairs: where
// checkpoints are, that is refused, and where there are none, what was measured
// before counts no longer.
func TestOtherRun(t *testing.T) {
	environment(t)
	f, config, folder := newFixture(t), short(t, "text-only"), t.TempDir()
	if _, err := f.train(t.Context(), t, config, folder); err != nil {
		t.Fatal(err)
	}
	other := config
	other.Optimizer.LearningRate /= 2
	var mismatch *checkpoint.MismatchError
	if _, err := f.train(t.Context(), t, other, folder); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "configuration") {
		t.Errorf("another configuration: %v", err)
	}
	first := before(t, folder)
	lines := strings.SplitAfter(string(must(os.ReadFile(f.pairs()))), "\n")
	write(t, f.pairs(), strings.Join(slices.Delete(lines, 3, 13), ""))
	if _, err := f.train(t.Context(), t, config, folder); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "data") {
		t.Errorf("other pairs: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(folder, "checkpoints")); err != nil {
		t.Fatal(err)
	}
	result, err := f.train(t.Context(), t, config, folder)
	if err != nil {
		t.Fatal(err)
	}
	if again := before(t, folder); again == first || result.Forgetting.Languages[0].N != drawings-10 {
		t.Errorf("what was measured with other pairs is taken for that of these: %+v", result.Forgetting)
	}
}

func before(t *testing.T, folder string) string {
	t.Helper()
	content := must(os.ReadFile(filepath.Join(folder, "before.json")))
	if !json.Valid(content) {
		t.Errorf("%s is no JSON", content)
	}
	return string(content)
}
