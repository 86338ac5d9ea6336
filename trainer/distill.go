package trainer

import (
	"context"
	"fmt"

	"polylens/trainer/checkpoint"
	"polylens/trainer/data/augment"
	"polylens/trainer/data/batch"
	"polylens/trainer/distill"
	"polylens/trainer/learner"
)

// teacherSection is the part of a checkpoint that holds the teacher, if there
// is one by then.
const teacherSection = "teacher"

// openDistiller prepares for the steps in which the vision tower learns from
// itself, if there are to be any.
func (r *run) openDistiller() (err error) {
	if !r.config.Distill.On() {
		return nil
	}
	if r.distiller, err = distill.New(r.config.Distill, r.Model.config); err != nil {
		return fmt.Errorf("distill: %w", err)
	}
	return nil
}

// late are the objectives of the last steps.
func (r *run) late() []learner.Objective {
	if r.distiller == nil {
		return nil
	}
	return []learner.Objective{r.distiller}
}

// distillAt is the number of steps before those that distil.
func (r *run) distillAt() int64 { return r.config.Distill.Start(r.config.Steps) }

// views gives the further views of pictures that the parts of steps want; nil
// where none do.
func (r *run) views() (func(part int) []batch.View, error) {
	if r.distiller == nil {
		return nil, nil
	}
	looks, err := augment.Preset(r.config.Batch.Augmentation)
	if err != nil {
		return nil, err
	}
	views, err := r.distiller.Views(looks, r.Model.pixels, r.config.Seed)
	if err != nil {
		return nil, err
	}
	first := int(r.distillAt()) * r.config.loads()
	return func(part int) []batch.View {
		if part < first {
			return nil
		}
		return views
	}, nil
}

// startDistilling lets the steps from now on distil, once it is time.
func (r *run) startDistilling() error {
	if r.distiller == nil || r.learner.Teacher != nil || r.progress.Step < r.distillAt() {
		return nil
	}
	r.Log.Info("the model begins to learn from its own slow average", "step", r.progress.Step, "steps", r.config.Steps)
	return r.learner.StartLate()
}

// resumeDistilling restores the teacher of a run that goes on and had one. At
// the very step where it begins, it begins as ever.
func (r *run) resumeDistilling(ctx context.Context) error {
	if r.distiller == nil || r.progress.Step <= r.distillAt() {
		return nil
	}
	if err := r.startDistilling(); err != nil {
		return err
	}
	_, err := r.folder.Load(ctx, r.identity(), r.teacher())
	return err
}

// teacher is what a checkpoint holds of the teacher.
func (r *run) teacher() []checkpoint.Section {
	teacher := r.learner.Teacher
	if teacher == nil {
		return nil
	}
	return []checkpoint.Section{section(teacherSection, teacher.Parameters, teacher.Values)}
}

// addViews gives a batch the views that were loaded with it, if steps distil.
func (r *run) addViews(made *learner.Batch, loaded batch.Loaded) error {
	if r.learner.Teacher == nil {
		return nil
	}
	inputs, err := r.distiller.Inputs(loaded.Views, r.config.Seed, uint64(loaded.Step))
	if err != nil {
		return err
	}
	addInputs(made, inputs)
	return nil
}

// follow lets the teacher follow an update of the weights.
func (r *run) follow(ctx context.Context) error {
	if r.learner.Teacher == nil {
		return nil
	}
	momentum := r.config.Distill.MomentumAt(r.progress.Step, r.config.Steps)
	return r.learner.Follow(ctx, momentum, r.config.Batch.Accumulate)
}
