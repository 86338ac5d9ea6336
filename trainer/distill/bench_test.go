package distill

import (
	"fmt"
	"path/filepath"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
)

// BenchmarkStep compares steps of the bundled model that distil with one that
// does not: what package doc says they cost.
func BenchmarkStep(b *testing.B) {
	for _, local := range []int64{0, 2, 8} {
		name := "plain"
		if local > 0 {
			name = fmt.Sprintf("%d local views", local)
		}
		b.Run(name, func(b *testing.B) { benchmarkStep(b, local) })
	}
}

func benchmarkStep(b *testing.B, local int64) {
	const pictures = 16
	dir := filepath.Join("..", "..", "encoder", "hub", "polylens-mini")
	model, err := siglip2.ReadConfig(dir)
	if err != nil {
		b.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	mode, err := learner.ParseMode("full", model)
	if err != nil {
		b.Fatal(err)
	}
	config := Default()
	config.Factor, config.Local = 0.25, max(local, 1)
	distiller, err := New(config, model)
	if err != nil {
		b.Fatal(err)
	}
	plan := learner.Plan{Texts: pictures, Pictures: pictures, Mode: mode}
	if local > 0 {
		plan.Objectives = []learner.Objective{distiller}
	}
	l, err := learner.Open(environment(b), model, index, plan, ort.Options{}, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	extra, err := distiller.Inputs(blank(distiller, pictures), 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	side := int64(model.Vision.Image)
	batch := learner.Batch{
		Texts:    ort.Ints(make([]int64, pictures*model.Text.Length), pictures, model.Text.Length),
		Pictures: ort.Floats(make([]float32, pictures*3*side*side), pictures, 3, side, side),
		Targets:  make([]float32, pictures*pictures), Extra: extra,
	}
	for b.Loop() {
		if _, err := l.Step(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		if l.Teacher == nil {
			continue
		}
		if err := l.Follow(b.Context(), learner.Momentum{Weights: 0.996, Observed: 0.9}, 1); err != nil {
			b.Fatal(err)
		}
	}
}
