package trainer

import (
	"strings"

	"polylens/trainer/learner"
)

// groups are the kinds of parameters that may learn at rates of their own.
var groups = []string{"text", "vision", "loss", "new", "vocabulary"}

// groupOf is the kind of a parameter.
func groupOf(name string) string {
	name = strings.TrimPrefix(name, "base_model.model.")
	switch {
	case strings.HasSuffix(name, "token_embedding.weight"):
		return "vocabulary"
	case strings.HasPrefix(name, "text_model."):
		return "text"
	case strings.HasPrefix(name, "vision_model."):
		return "vision"
	case strings.HasPrefix(name, "logit_"):
		return "loss"
	default:
		return "new"
	}
}

// rates gives the learning rate of a parameter at a step, and its decay.
func (c Config) rates(step int64) func(learner.Parameter) (rate, decay float64) {
	base := c.Optimizer.LearningRate * c.schedule().Factor(step)
	return func(parameter learner.Parameter) (rate, decay float64) {
		factor := c.Optimizer.factor(groupOf(parameter.Name))
		if parameter.Decays() {
			decay = c.Optimizer.WeightDecay
		}
		return base * factor, decay
	}
}

// factor of the learning rate of a group. The vocabulary is a part of the text tower
// that may have one of its own: languages that are learnt or repaired may need
// nothing but new vectors of their tokens.
func (o Optimizer) factor(group string) float64 {
	if factor, ok := o.Rates[group]; ok {
		return factor
	}
	if group == "vocabulary" {
		return o.factor("text")
	}
	return 1
}
