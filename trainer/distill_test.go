package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
	"polylens/trainer"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// distilling is a run that distils from its sixth step on.
func distilling(t *testing.T, mode string) trainer.Config {
	t.Helper()
	config, err := trainer.Preset(mode)
	if err != nil {
		t.Fatal(err)
	}
	config.Steps, config.Optimizer.Warmup, config.Optimizer.LearningRate = 9, 2, 3e-3
	config.Batch.Pictures, config.Batch.Accumulate, config.Batch.Augmentation = 6, 2, "photo"
	config.Split, config.Validation.Every = trainer.Split{Near: -1}, 0
	config.Checkpoint = trainer.Checkpoint{Every: 5, Keep: 5}
	config.LoRA.Rank = 2
	d := &config.Distill
	d.Factor, d.From, d.Momentum, d.LastMomentum = 0.5, 0.5, 0.9, 0.99
	d.Hidden, d.Embedding, d.Prototypes = 16, 8, 32
	return config
}

// stopping ends a context when a step is done.
type stopping struct {
	step int64
	end  context.CancelCauseFunc
}

var errStopped = errors.New("stopped")

func (s stopping) Begin(context.Context, int64, int64) error { return nil }

func (s stopping) Point(_ context.Context, step int64, _ map[string]float64) error {
	if step == s.step {
		s.end(errStopped)
	}
	return nil
}

func (s stopping) Best(context.Context, string, int64, float64) error { return nil }

// stopped trains until a step is done.
func (f fixture) stopped(t *testing.T, config trainer.Config, folder string, step int64) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	setting := f.setting(t, config, folder)
	setting.Recorder = stopping{step, cancel}
	_, err := trainer.Run(ctx, config, setting, func(context.Context, *learner.Learner, *evaluate.Forgetting) error { return nil })
	if !errors.Is(err, errStopped) {
		t.Fatalf("stopped after step %d: %v", step, err)
	}
}

// goesOn demands that a run that stops after a step, and goes on, ends as one that
// nothing disturbed.
func (f fixture) goesOn(t *testing.T, config trainer.Config, undisturbed string, step int64) {
	t.Helper()
	disturbed := t.TempDir()
	f.stopped(t, config, disturbed, step)
	if _, err := f.train(t.Context(), t, config, disturbed); err != nil {
		t.Fatal(err)
	}
	compareRuns(t, disturbed, undisturbed)
}

// TestDistillingGoesOn stops a run before, at and behind the step where
// distillation begins, which is when five are done. It ends as if nothing had
// happened.
func TestDistillingGoesOn(t *testing.T) {
	environment(t)
	f := newFixture(t)
	for _, mode := range []string{"full", "lora"} {
		config, undisturbed := distilling(t, mode), t.TempDir()
		if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
			t.Fatal(err)
		}
		for _, step := range []int64{3, 4, 5, 6, 8} {
			t.Run(fmt.Sprintf("%s after %d", mode, step), func(t *testing.T) {
				f.goesOn(t, config, undisturbed, step)
			})
		}
	}
}

// TestDistillingOutlastsKeep: the teacher goes on where steps begin to look at
// everything, before or behind the step where distillation begins.
func TestDistillingOutlastsKeep(t *testing.T) {
	environment(t)
	f := newFixture(t)
	for _, until := range []float64{0.3, 0.75} {
		config, undisturbed := distilling(t, "full"), t.TempDir()
		config.Keep = trainer.Keep{Patches: 3, Until: until}
		if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
			t.Fatal(err)
		}
		for _, step := range []int64{3, 6, 8} {
			t.Run(fmt.Sprintf("until %v after %d", until, step), func(t *testing.T) {
				f.goesOn(t, config, undisturbed, step)
			})
		}
	}
}

// TestDistillingBeginsLate: before it begins, the weights are to the bit those of
// a run without it; and it leaves nothing of its own in the model.
func TestDistillingBeginsLate(t *testing.T) {
	environment(t)
	f, with, without := newFixture(t), t.TempDir(), t.TempDir()
	config := distilling(t, "full")
	if _, err := f.train(t.Context(), t, config, with); err != nil {
		t.Fatal(err)
	}
	config.Distill.Factor = 0
	if _, err := f.train(t.Context(), t, config, without); err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"weights", "first", "second"} {
		file := filepath.Join("checkpoints", "step-000000005", section+".safetensors")
		expectShared(t, filepath.Join(with, file), filepath.Join(without, file))
	}
	for _, name := range tensors(t, filepath.Join(with, "model", safetensors.SingleFile)).Names() {
		if strings.HasPrefix(name, "distill.") {
			t.Errorf("the model holds %s", name)
		}
	}
	teacher := tensors(t, filepath.Join(with, "checkpoints", "step-000000009", "teacher.safetensors")).Names()
	if !slices.Contains(teacher, "distill.view.centre") || !slices.Contains(teacher, "vision_model.head.probe") || slices.Contains(teacher, "text_model.head.weight") {
		t.Errorf("the teacher has %v", teacher)
	}
}

// expectShared demands that all tensors of the second file are in the first.
func expectShared(t *testing.T, got, want string) {
	t.Helper()
	a, b := tensors(t, got), tensors(t, want)
	for _, name := range b.Names() {
		values, err := a.Floats(name)
		wanted, errWanted := b.Floats(name)
		if err := errors.Join(err, errWanted); err != nil || !slices.Equal(values, wanted) {
			t.Errorf("%s: %s differs (%v)", filepath.Base(got), name, err)
		}
	}
}

func tensors(t *testing.T, path string) *safetensors.Index {
	t.Helper()
	index, err := safetensors.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestDistillingNeedsTheTower: a run that leaves the vision tower as it is says
// so before it begins.
func TestDistillingNeedsTheTower(t *testing.T) {
	environment(t)
	f := newFixture(t)
	_, err := f.train(t.Context(), t, distilling(t, "text-only"), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "distill.factor") {
		t.Errorf("error %v", err)
	}
}
