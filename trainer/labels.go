package trainer

import (
	"errors"
	"fmt"

	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/label"
	"polylens/trainer/learner"
)

func (c Config) checkLabels() error {
	if err := c.Labels.Check(); err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	switch {
	case c.Labels.Names > 0 && !c.Batch.AllItems:
		return errors.New("labels.names teaches which of all items a text is about: set batch.all_items, or leave it out")
	case c.Labels.Alone && c.across():
		return errors.New("labels.alone leaves out the loss that batch.across_parts is about: leave one of them out")
	case c.Labels.Alone && c.Mode != "vision-only":
		return fmt.Errorf("labels.alone: mode %q trains the text tower, which has no loss then: choose vision-only", c.Mode)
	case c.Labels.Alone && c.Selection.times() > 1:
		return errors.New("labels.alone leaves out the loss that pictures are selected by: leave selection out")
	}
	return nil
}

// openLabels labels the pictures that are trained on, if they are to be distinguished
// by labels.
func (r *run) openLabels() error {
	if !r.config.Labels.On() {
		return nil
	}
	labels := label.NewLabels(r.config.Labels, r.Material.Set, r.Material.Findings.Items, r.Material.pictures(inspect.Training))
	r.labels = label.NewObjective(r.config.Labels, labels)
	r.Log.Info("pictures are distinguished by labels", "items", labels.Items(), "texts", labels.Texts())
	return nil
}

// names is the loss of texts over all items.
func (c Config) names() label.Names {
	return label.Names{Weight: c.Labels.Names, Scale: c.Labels.Scale}
}

// addLabels gives a batch the labels of its pictures, and the items of its texts.
func (r *run) addLabels(made *learner.Batch, loaded batch.Loaded) {
	if names := r.config.names(); names.Weight > 0 {
		addInputs(made, names.Targets(made.Targets, len(loaded.Pairs)))
	}
	if r.labels != nil {
		addInputs(made, r.labels.Targets(loaded.Pictures))
	}
}
