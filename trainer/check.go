package trainer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"polylens/trainer/data/augment"
	"polylens/trainer/data/inspect"
	"polylens/trainer/learner"
)

// Metrics that a run can be judged by, means over languages of text_to_image.
var metrics = []string{"r1", "r5", "r10", "mrr"}

// largest is more than any machine takes of pictures, texts or parts of a step:
// what is above is a mistake, and would end for lack of memory.
const largest = 1 << 16

// mostSteps is more than a machine does in a year: a run of more is a mistake, and
// keeps all others waiting.
const mostSteps = 100_000_000

// mostPatches is the most that any model cuts a picture into.
const mostPatches = 4096

// mostKept is more checkpoints than any disk needs.
const mostKept = 10_000

// Check reports the first thing that is wrong with the configuration.
func (c Config) Check() error {
	checks := []func() error{
		c.checkMode, c.checkBatch, c.checkOptimizer, c.checkSplit, c.checkValidation, c.checkGuard, c.checkCheckpoint, c.checkCaptions, c.checkDistill,
		c.Cache.check, c.Selection.check, c.Balance.check, c.Keep.check, c.checkLabels, c.checkAllItems, c.checkAverage,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return fmt.Errorf("the configuration of the run: %w", err)
		}
	}
	return nil
}

func (c Config) checkDistill() error {
	if err := c.Distill.Check(); err != nil {
		return fmt.Errorf("distill: %w", err)
	}
	return nil
}

func (c Config) checkMode() error {
	if err := learner.CheckMode(c.Mode); err != nil || c.Mode != "lora" {
		return err
	}
	return c.LoRA.Check()
}

func (c Config) checkBatch() error {
	b := c.Batch
	switch {
	case b.Pictures < 2 || b.Pictures > largest:
		return fmt.Errorf("batch.pictures %d: the loss compares pictures, so ask for at least 2, and at most %d", b.Pictures, largest)
	case b.Texts < 1 || b.Texts > largest/b.Pictures:
		return fmt.Errorf("batch.texts %d: want at least 1, and at most %d in all for %d pictures", b.Texts, largest, b.Pictures)
	case b.Accumulate < 1 || b.Accumulate > largest:
		return fmt.Errorf("batch.accumulate %d: want 1 to %d", b.Accumulate, largest)
	case slices.ContainsFunc(b.Patches, func(n int) bool { return n < 1 || n > mostPatches }):
		return fmt.Errorf("batch.patches %d: want numbers from 1 to %d", b.Patches[:min(len(b.Patches), 8)], mostPatches)
	case !(b.LanguageTemperature >= 1):
		return fmt.Errorf("batch.language_temperature %v: want 1 or more", b.LanguageTemperature)
	}
	_, err := augment.Preset(b.Augmentation)
	return err
}

func (c Config) checkOptimizer() error {
	o := c.Optimizer
	switch {
	case !(o.LearningRate > 0) || math.IsInf(o.LearningRate, 0):
		return fmt.Errorf("optimizer.learning_rate %v: want a positive number", o.LearningRate)
	case !(o.WeightDecay >= 0) || !(o.Clip >= 0) || !(o.Epsilon > 0):
		return fmt.Errorf("optimizer.weight_decay %v, clip %v, epsilon %v: want none below 0, and epsilon above", o.WeightDecay, o.Clip, o.Epsilon)
	case !(o.Beta1 >= 0 && o.Beta1 < 1) || !(o.Beta2 >= 0 && o.Beta2 < 1):
		return fmt.Errorf("optimizer.beta1 %v, beta2 %v: want 0 or more and below 1", o.Beta1, o.Beta2)
	}
	for name, factor := range o.Rates {
		if !slices.Contains(groups, name) || !(factor >= 0) {
			return fmt.Errorf("optimizer.rates: %q is %v; want factors of %s, none below 0", name, factor, strings.Join(groups, ", "))
		}
	}
	if c.Steps > mostSteps {
		return fmt.Errorf("steps %d: want at most %d", c.Steps, mostSteps)
	}
	return c.schedule().Check()
}

func (c Config) checkSplit() error {
	s := c.Split
	switch {
	case !(s.Validation >= 0 && s.Test >= 0 && s.Validation+s.Test < 1):
		return fmt.Errorf("split.validation %v, test %v: want 0 or more, and together below 1", s.Validation, s.Test)
	case s.Near < inspect.Off || s.Near > inspect.MostNear:
		return fmt.Errorf("split.near %d: want 1 to %d bits, 0 for the default, or %d for equal files only", s.Near, inspect.MostNear, inspect.Off)
	}
	return nil
}

func (c Config) checkValidation() error {
	v := c.Validation
	switch {
	case v.Every < 0 || v.Patience < 0 || v.Limit < 0:
		return fmt.Errorf("validation.every %d, patience %d, limit %d: want none below 0", v.Every, v.Patience, v.Limit)
	case v.Every == 0:
		return nil
	case !slices.Contains(metrics, v.Metric):
		return fmt.Errorf("validation.metric %q: want one of %s", v.Metric, strings.Join(metrics, ", "))
	case c.Split.Validation == 0:
		return errors.New("validation.every is set but split.validation keeps nothing aside: set it, or set validation.every to 0")
	}
	return nil
}

func (c Config) checkGuard() error {
	if !(c.Guard.Allowed >= 0) {
		return fmt.Errorf("guard.allowed %v: want 0 or more points", c.Guard.Allowed)
	}
	for language, points := range c.Guard.Languages {
		if !(points >= 0) {
			return fmt.Errorf("guard.languages: %q is %v; want 0 or more points", language, points)
		}
	}
	return nil
}

func (c Config) checkCheckpoint() error {
	if c.Checkpoint.Every < 1 {
		return fmt.Errorf("checkpoint.every %d: want at least 1 step", c.Checkpoint.Every)
	}
	if c.Checkpoint.Keep < 0 || c.Checkpoint.Keep > mostKept {
		return fmt.Errorf("checkpoint.keep %d: want 1 to %d, or 0 for the default", c.Checkpoint.Keep, mostKept)
	}
	return nil
}
