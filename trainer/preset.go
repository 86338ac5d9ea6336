package trainer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/trainer/distill"
	"polylens/trainer/label"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// Presets lists the names of presets.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// DefaultPreset trains only the text tower: no picture has to be indexed again.
const DefaultPreset = "text-only"

// Preset is a configuration to start from.
func Preset(name string) (Config, error) {
	change, ok := presets[name]
	if !ok {
		return Config{}, fmt.Errorf("preset %q is unknown: choose %s", name, strings.Join(Presets(), ", "))
	}
	config := base()
	change(&config)
	return config, nil
}

// presets say in what each differs from the base. Learning rates follow what is
// known of finetuning SigLIP: 1e-5 for whole towers, as in the last phase of
// SigLIP 2's small models (Tschannen et al. 2025, arXiv 2502.14786, section 2),
// ten times that for adapters.
var presets = map[string]func(*Config){
	"text-only": func(c *Config) {
		c.Mode, c.Optimizer.LearningRate, c.Batch.Augmentation = "text-only", 1e-5, "none"
	},
	"query": func(c *Config) {
		c.Mode, c.Optimizer.LearningRate, c.Batch.Augmentation = "query", 1e-4, "none"
	},
	"lora": func(c *Config) { c.Mode, c.Optimizer.LearningRate = "lora", 1e-4 },
	"full": func(c *Config) { c.Mode, c.Optimizer.LearningRate = "full", 1e-5 },
	"tiny": func(c *Config) {
		c.Mode, c.Optimizer.LearningRate = "full", 1e-4
		c.Steps, c.Optimizer.Warmup, c.Batch.Pictures = 20, 4, 8
		c.Validation.Every, c.Checkpoint.Every = 10, 10
	},
}

func base() Config {
	return Config{
		Steps: 1000, Seed: 1, LoRA: learner.DefaultLoRA(),
		Batch: Batch{Pictures: 16, Accumulate: 1, AcrossParts: true, Texts: 1, LanguageTemperature: 2, Augmentation: "photo"},
		Optimizer: Optimizer{
			WeightDecay: 1e-4, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1, Schedule: optim.Cosine, Warmup: 50,
			Rates: map[string]float64{"text": 1, "vision": 1, "loss": 1, "new": 10},
		},
		Split:      Split{Validation: 0.1, Test: 0.1},
		Validation: Validation{Every: 100, Metric: "r5", Patience: 5, Limit: 5000},
		Guard:      Guard{Allowed: 1},
		Captions:   noCaptions(),
		Distill:    distill.Default(),
		Keep:       Keep{Until: 0.9},
		Labels:     label.Default(),
		Cache:      Cache{Bytes: 4 << 30, Memory: 64 << 20, Precision: float32Precision},
		Selection:  Selection{SuperBatch: 4, Chunks: 16},
		Checkpoint: Checkpoint{Every: 100, Keep: 2},
	}
}
