package trainer_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
	"polylens/trainer"
)

// TestAverage: the model that is written lies between the one before training
// and the one that training found, and checkpoints are the latter's.
func TestAverage(t *testing.T) {
	f, config := newFixture(t), short(t, "full")
	config.Validation.Every, config.Split.Validation = 0, 0
	began := must(safetensors.Open(f.model()))
	plain := trained(t, f, config)
	config.Average = 0.25
	averaged := trained(t, f, config)
	for _, name := range began.Names() {
		start, found, got := must(began.Floats(name)), must(plain.Floats(name)), must(averaged.Floats(name))
		for i := range start {
			want := 0.25*float64(start[i]) + 0.75*float64(found[i])
			if difference := float64(got[i]) - want; difference > 1e-6 || difference < -1e-6 {
				t.Fatalf("%s[%d] is %v, the average of %v and %v is %v", name, i, got[i], start[i], found[i], want)
			}
			if start[i] == found[i] && got[i] != start[i] {
				t.Fatalf("%s[%d] is %v, though training left it at %v", name, i, got[i], start[i])
			}
		}
	}
}

// trained is the model of a run.
func trained(t *testing.T, f fixture, config trainer.Config) *safetensors.Index {
	t.Helper()
	folder := t.TempDir()
	if _, err := f.train(t.Context(), t, config, folder); err != nil {
		t.Fatal(err)
	}
	return must(safetensors.Open(filepath.Join(folder, "model")))
}

// TestRateOfTheVocabulary: of the text tower the vectors of tokens may learn
// alone, and have its rate if they have none of their own.
func TestRateOfTheVocabulary(t *testing.T) {
	f := newFixture(t)
	began := must(safetensors.Open(f.model()))
	for name, test := range map[string]struct {
		rates            map[string]float64
		vocabulary, rest bool
	}{
		"alone":    {map[string]float64{"text": 0, "vocabulary": 1, "loss": 0}, true, false},
		"as text":  {map[string]float64{"text": 1, "loss": 0}, true, true},
		"not, too": {map[string]float64{"text": 0, "loss": 0}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			config := short(t, "text-only")
			config.Validation.Every, config.Split.Validation = 0, 0
			config.Optimizer.Rates = test.rates
			model := trained(t, f, config)
			for _, tensor := range began.Names() {
				changed := !slices.Equal(must(began.Floats(tensor)), must(model.Floats(tensor)))
				switch {
				case strings.HasSuffix(tensor, "token_embedding.weight") && changed != test.vocabulary,
					tensor == "text_model.head.weight" && changed != test.rest,
					changed && !test.rest && !strings.HasSuffix(tensor, "token_embedding.weight"):
					t.Errorf("%s: changed is %v", tensor, changed)
				}
			}
		})
	}
}
