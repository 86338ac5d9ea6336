package main

import (
	"path/filepath"
	"testing"

	"polylens/app/training"
	"polylens/encoder/safetensors"
	"polylens/internal/needs"
)

// trainableModel is a NaFlex model that has temperature and bias of the loss.
func trainableModel(t *testing.T) string {
	t.Helper()
	dir := naflexModel(t)
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := []safetensors.Weights{
		{Name: "logit_scale", Shape: []int64{1}, Values: []float32{2.3}}, {Name: "logit_bias", Shape: []int64{1}, Values: []float32{-2}},
	}
	for _, name := range index.Names() {
		tensor, _ := index.Tensor(name)
		values, err := index.Floats(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, safetensors.Weights{Name: name, Shape: tensor.Shape, Values: values})
	}
	if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), all); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTrainNativeAspectRatio trains a NaFlex model with steps of several
// lengths, and embeds with what comes out.
func TestTrainNativeAspectRatio(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, c, model := newFolders(t), newCatalogue(t), trainableModel(t)
	config := with(t, unsplit, `{"steps":4,"batch":{"pictures":4,"patches":[64,128,256]},"split":{"validation":0.3,"near":-1},"validation":{"every":2,"metric":"mrr"}}`)
	got := f.run(t, c.arguments(t, lines(1, pictured), config, "--model", model, "--json")...)
	if got.code != exitSuccess {
		t.Fatalf("%d: %s", got.code, got.stderr)
	}
	outcome := objects[training.Outcome](t, got.stdout)
	if len(outcome) != 1 || outcome[0].Steps != 4 || !outcome[0].Reindex || len(outcome[0].After) == 0 {
		t.Fatalf("%+v", outcome)
	}
	f.succeed(t, "model", "verify", "birds")
	embed := func(model string) string {
		return f.succeed(t, "embed", "--model", model, "--text", "a drawing", "--image", filepath.Join(c.folder, "1.png"))
	}
	if trained, before := embed("birds"), embed(model); trained == before {
		t.Error("training has changed no vector")
	}
}
