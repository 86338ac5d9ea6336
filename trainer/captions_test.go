package trainer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/trainer"
	"polylens/trainer/caption"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// captioning is a run that learns to write captions, of several parts a step.
func captioning(t *testing.T, mode string) trainer.Config {
	t.Helper()
	config := plain(t, mode)
	config.Batch.Accumulate, config.Batch.Texts, config.Batch.Augmentation = 2, 2, "photo"
	config.Split, config.LoRA.Rank = trainer.Split{Near: -1}, 2
	config.Captions.Weight, config.Captions.Layers = 1, 1
	return config
}

// TestCaptioning: captions are learned, change the vision tower, leave nothing
// of the decoder in the model, and go on where a run was interrupted.
func TestCaptioning(t *testing.T) {
	environment(t)
	f := newFixture(t)
	for _, mode := range []string{"full", "lora", "last-1"} {
		config, undisturbed := captioning(t, mode), t.TempDir()
		if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
			t.Fatal(err)
		}
		checkCaptions(t, undisturbed, mode)
		t.Run(mode+" goes on", func(t *testing.T) {
			f.goesOn(t, config, undisturbed, 7)
		})
		config.Captions.Weight = 0
		without := t.TempDir()
		if _, err := f.train(t.Context(), t, config, without); err != nil {
			t.Fatal(err)
		}
		expectOtherTower(t, undisturbed, without)
	}
}

// checkCaptions demands that the loss of captions has fallen, and that the
// decoder is in the checkpoint and not in the model.
func checkCaptions(t *testing.T, folder, mode string) {
	t.Helper()
	records := curves(t, folder)
	first, last := captionLoss(records[0]), captionLoss(records[len(records)-1])
	if !(first > 0 && last < first) {
		t.Errorf("%s: the loss of captions went from %v to %v", mode, first, last)
	}
	isDecoder := func(name string) bool { return strings.HasPrefix(name, caption.Prefix) }
	if saved := tensors(t, filepath.Join(lastCheckpoint(t, folder), "weights.safetensors")).Names(); !slices.ContainsFunc(saved, isDecoder) {
		t.Errorf("%s: the checkpoint has no decoder: %v", mode, saved)
	}
	files := must(filepath.Glob(filepath.Join(folder, "model", "*.safetensors")))
	if len(files) == 0 {
		t.Errorf("%s: no weights", mode)
	}
	for _, file := range files {
		if names := tensors(t, file).Names(); slices.ContainsFunc(names, isDecoder) {
			t.Errorf("%s: %s has the decoder: %v", mode, file, names)
		}
	}
}

func captionLoss(record map[string]any) float64 {
	parts, _ := record["loss_parts"].(map[string]any)
	loss, _ := parts[caption.LossReport].(float64)
	return loss
}

// expectOtherTower demands that two runs end with other vision towers.
func expectOtherTower(t *testing.T, with, without string) {
	t.Helper()
	a := tensors(t, filepath.Join(lastCheckpoint(t, with), "weights.safetensors"))
	b := tensors(t, filepath.Join(lastCheckpoint(t, without), "weights.safetensors"))
	for _, name := range b.Names() {
		if strings.Contains(name, "vision_model.encoder") && !slices.Equal(must(a.Floats(name)), must(b.Floats(name))) {
			return
		}
	}
	t.Error("captions change nothing of the vision tower")
}

// lengthen gives a fixture a model whose texts have room for boxes.
func (f fixture) lengthen(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(f.model()); err != nil {
		t.Fatal(err)
	}
	const length = `"max_position_embeddings": `
	writeModel(t, f.model(), strings.Replace(smallConfig, length+"16", length+"32", 1))
}

// boxed gives the pictures of a fixture boxes, written by format from a number
// below 1, and reads them.
func (f fixture) boxed(t *testing.T, config trainer.Config, format string) (trainer.Result, string, error) {
	t.Helper()
	var lines strings.Builder
	for i := range drawings {
		box := strings.ReplaceAll(format, "%", fmt.Sprintf("%.2f", float64(i)/drawings))
		fmt.Fprintf(&lines, `{"image":"picture-%02d.png","caption":"drawing %d"%s}`+"\n", i, i, box)
	}
	write(t, f.pairs(), lines.String())
	folder := t.TempDir()
	setting := f.setting(t, config, folder)
	setting.Reading.Sources = []data.Source{data.Lines{Path: f.pairs(), Options: data.ReadOptions{Attributes: config.Fields()}}}
	setting.Material = must(trainer.Inspect(t.Context(), config, setting.Model, setting.Reading))
	result, err := trainer.Run(t.Context(), config, setting, func(context.Context, *learner.Learner, *evaluate.Forgetting) error { return nil })
	return result, folder, err
}

// TestBoxes demands that boxes are asked for, read, learned and told apart by
// checkpoints.
func TestBoxes(t *testing.T) {
	environment(t)
	f, config := newFixture(t), captioning(t, "full")
	f.lengthen(t)
	config.Batch.Augmentation, config.Captions.Boxes = "none", true
	if got := config.Fields(); !slices.Equal(got, []string{caption.BoxAttribute}) {
		t.Errorf("fields %q", got)
	}
	weights := map[string]bool{}
	for _, format := range []string{`,"box":"0, %, 1, 1"`, `,"box":"%, 0, 1, 1"`} {
		result, folder, err := f.boxed(t, config, format)
		if err != nil || result.Steps != config.Steps {
			t.Fatalf("%+v, %v", result, err)
		}
		index := tensors(t, filepath.Join(lastCheckpoint(t, folder), "weights.safetensors"))
		weights[fmt.Sprint(must(index.Floats("vision_model.post_layernorm.weight")))] = true
	}
	if len(weights) != 2 {
		t.Error("it makes no difference where boxes are")
	}
}

// TestCaptionsRefused demands an error that says what to do, before a step.
func TestCaptionsRefused(t *testing.T) {
	environment(t)
	textTower := func(config *trainer.Config) { config.Mode, config.LoRA.Towers = "lora", []string{"text"} }
	for name, test := range map[string]struct {
		change func(config *trainer.Config)
		boxes  string
		words  []string
	}{
		"the text tower alone":         {func(config *trainer.Config) { config.Mode = "text-only" }, "", []string{"captions.weight 1", `"text-only"`}},
		"adapters of the text tower":   {textTower, "", []string{"captions.weight 1", `"lora"`}},
		"boxes that are nowhere":       {func(config *trainer.Config) { config.Captions.Boxes = true }, "", []string{"captions.boxes", `"box"`}},
		"boxes that cannot be read":    {func(config *trainer.Config) { config.Captions.Boxes = true }, `,"box":"%, 0, 2, 1"`, []string{"captions.boxes", ".ndjson:1", `"2"`}},
		"a picture that moves in them": {func(config *trainer.Config) { config.Captions.Boxes, config.Batch.Augmentation = true, "art" }, "", []string{"captions.boxes", `"art"`}},
	} {
		t.Run(name, func(t *testing.T) {
			config := captioning(t, "full")
			config.Batch.Augmentation = "none"
			test.change(&config)
			f := newFixture(t)
			f.lengthen(t)
			_, folder, err := f.boxed(t, config, test.boxes)
			checkError(t, err, test.words...)
			if left := must(filepath.Glob(filepath.Join(folder, "*"))); len(left) > 0 {
				t.Errorf("the run left %v", left)
			}
		})
	}
}

// TestCaptioningTogether runs everything that takes part in a step at once.
func TestCaptioningTogether(t *testing.T) {
	environment(t)
	f, config := newFixture(t), captioning(t, "full")
	config.Selection = trainer.Selection{Teacher: f.model(), SuperBatch: 2, Chunks: 3}
	config.Distill = distilling(t, "full").Distill
	undisturbed, disturbed := t.TempDir(), t.TempDir()
	if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
		t.Fatal(err)
	}
	checkCaptions(t, undisturbed, "all together")
	f.stopped(t, config, disturbed, 9)
	if _, err := f.train(t.Context(), t, config, disturbed); err != nil {
		t.Fatal(err)
	}
	compareRuns(t, disturbed, undisturbed)
}

// TestLongCaptionsGoOn: captions of many lengths are interrupted while the norm
// of gradients is clipped, which adds them up in the order of the vocabulary's
// rows that were met.
func TestLongCaptionsGoOn(t *testing.T) {
	environment(t)
	f := fixture{t.TempDir()}
	writeModel(t, f.model(), strings.Replace(smallConfig, `"max_position_embeddings": 16`, `"max_position_embeddings": 64`, 1))
	var lines strings.Builder
	for i := range drawings {
		name := fmt.Sprintf("picture-%02d.png", i)
		draw(t, filepath.Join(f.folder, name), i)
		fmt.Fprintf(&lines, `{"image":%q,"captions":{"en":"number %d %s"}}`+"\n", name, i, strings.Repeat("red bars ", (i*i)%27))
	}
	write(t, f.pairs(), lines.String())
	config := plain(t, "full")
	config.Steps, config.Optimizer.Clip, config.Captions.Weight = 60, 0.1, 1
	config.Split = trainer.Split{Near: -1}
	undisturbed := t.TempDir()
	if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
		t.Fatal(err)
	}
	f.goesOn(t, config, undisturbed, 3)
}
