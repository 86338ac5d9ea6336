package trainer_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/encoder/safetensors"
	"polylens/trainer"
)

// seeing is the first part of a training from scratch: pictures by their labels.
func seeing(t *testing.T) trainer.Config {
	t.Helper()
	config := unwatched(t, "vision-only")
	config.Labels.Items, config.Labels.Texts, config.Labels.Shared, config.Labels.Alone = 1, 1, 2, true
	config.Keep = trainer.Keep{Patches: 3, Until: 0.75}
	return config
}

// naming is the second part: texts beside the means of all items.
func naming(t *testing.T) trainer.Config {
	t.Helper()
	config := unwatched(t, "text-only")
	config.Batch.AllItems, config.Batch.Texts, config.Labels.Names = true, 2, 1
	config.Keep = trainer.Keep{Tokens: 6, Until: 0.75}
	return config
}

// namingInParts is naming with parts of texts of like length.
func namingInParts(t *testing.T) trainer.Config {
	config := naming(t)
	config.Batch.Accumulate = 2
	return config
}

// placing is the third part: pictures beside texts of all items, which stay as
// they are.
func placing(t *testing.T) trainer.Config {
	t.Helper()
	config := unwatched(t, "vision-only")
	config.Batch.AllItems, config.Batch.Pictures = true, 12
	return config
}

// unwatched is a run that is not evaluated.
func unwatched(t *testing.T, mode string) trainer.Config {
	t.Helper()
	config := short(t, "full")
	config.Mode, config.Steps, config.Optimizer.LearningRate, config.Optimizer.Warmup = mode, 40, 3e-3, 2
	config.Validation.Every, config.Split.Validation, config.Split.Test, config.Split.Near = 0, 0, 0, -1
	return config
}

// TestFromScratch demands that the loss falls in all parts, and that each
// leaves the tower alone that is not its own.
func TestFromScratch(t *testing.T) {
	environment(t)
	for name, test := range map[string]struct {
		config    trainer.Config
		untouched string
	}{
		"labels":    {seeing(t), "text_model."},
		"all items": {naming(t), "vision_model."},
		"parts":     {namingInParts(t), "vision_model."},
		"all texts": {placing(t), "text_model."},
	} {
		t.Run(name, func(t *testing.T) {
			f, folder := newFixture(t), t.TempDir()
			if _, err := f.train(t.Context(), t, test.config, folder); err != nil {
				t.Fatal(err)
			}
			records := curves(t, folder)
			first, last := lossIn(t, records[0]), lossIn(t, records[len(records)-1])
			if !(last < 0.95*first) {
				t.Errorf("the loss was %v and is %v", first, last)
			}
			was, is := mustIndex(t, f.model()), mustIndex(t, folder+"/model")
			for _, name := range was.Names() {
				if strings.HasPrefix(name, test.untouched) && !slices.Equal(mustRaw(t, was, name), mustRaw(t, is, name)) {
					t.Errorf("%s has changed", name)
				}
			}
			if len(was.Names()) != len(is.Names()) {
				t.Errorf("%d tensors are written, want %d: labels are no part of the model", len(is.Names()), len(was.Names()))
			}
		})
	}
}

func mustIndex(t *testing.T, dir string) *safetensors.Index {
	t.Helper()
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func mustRaw(t *testing.T, index *safetensors.Index, name string) []byte {
	t.Helper()
	content, err := index.Raw(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestFromScratchGoesOn stops a run that leaves things out before and after it
// begins to look at everything, and compares it with an undisturbed one.
func TestFromScratchGoesOn(t *testing.T) {
	environment(t)
	for name, config := range map[string]trainer.Config{"labels": seeing(t), "all items": naming(t), "parts": namingInParts(t), "all texts": placing(t)} {
		t.Run(name, func(t *testing.T) {
			f, undisturbed, disturbed := newFixture(t), t.TempDir(), t.TempDir()
			began := time.Now()
			if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
				t.Fatal(err)
			}
			takes := time.Since(began)
			stopped := 0
			for {
				ctx, cancel := context.WithTimeout(t.Context(), takes*3/5)
				_, err := f.train(ctx, t, config, disturbed)
				cancel()
				if err == nil {
					break
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				stopped++
				takes += takes / 4 // a slower machine than before is to come to an end
			}
			t.Logf("stopped %d times", stopped)
			compareFolders(t, disturbed, undisturbed, "model")
		})
	}
}

// TestAllTexts compares the loss over the batches of an epoch with that of a single
// batch: where every text is drawn, each picture is compared with the same ones.
func TestAllTexts(t *testing.T) {
	environment(t)
	config := placing(t)
	config.Batch.Texts, config.Optimizer.LearningRate, config.Optimizer.Warmup = 2, 1e-9, 0 // both of each item
	config.Steps = drawings / int64(config.Batch.Pictures)
	parts := meanLoss(t, config)
	config.Batch.AllItems, config.Batch.Pictures, config.Steps = false, drawings, 1
	if whole := meanLoss(t, config); math.Abs(parts-whole) > 1e-5*whole {
		t.Errorf("the loss is %v, want %v", parts, whole)
	}
}

// meanLoss trains and gives the mean loss of the steps.
func meanLoss(t *testing.T, config trainer.Config) float64 {
	t.Helper()
	f, folder := newFixture(t), t.TempDir()
	if _, err := f.train(t.Context(), t, config, folder); err != nil {
		t.Fatal(err)
	}
	sum, records := 0.0, curves(t, folder)
	for _, record := range records {
		sum += lossIn(t, record)
	}
	return sum / float64(len(records))
}

func lossIn(t *testing.T, record map[string]any) float64 {
	t.Helper()
	loss, ok := record["loss"].(float64)
	if !ok {
		t.Fatalf("no loss in %v", record)
	}
	return loss
}
