package trainer

import (
	"context"
	"errors"
	"time"

	"polylens/encoder/safetensors"
	"polylens/trainer/checkpoint"
	"polylens/trainer/curve"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// state is what every checkpoint holds.
func (r *run) state() []checkpoint.Section {
	state := r.learner.State
	return []checkpoint.Section{
		section(checkpoint.Weights, state.Parameters, state.Weights),
		section(checkpoint.First, state.Parameters, state.First),
		section(checkpoint.Second, state.Parameters, state.Second),
	}
}

// checkSpace fails before the first step if no checkpoint would fit on the disk.
func (r *run) checkSpace() error { return r.folder.CheckSpace(append(r.state(), r.teacher()...)) }

func section(name string, parameters []learner.Parameter, flat []float32) checkpoint.Section {
	section := checkpoint.Section{Name: name}
	for _, parameter := range parameters {
		section.Tensors = append(section.Tensors, safetensors.Weights{
			Name: parameter.Name, Shape: parameter.Shape, Values: parameter.In(flat),
		})
	}
	return section
}

func (r *run) identity() checkpoint.Identity {
	config := r.config.fingerprint() + "-" + r.Model.Fingerprint
	if r.selector != nil {
		config += "-" + r.selector.fingerprint
	}
	return checkpoint.Identity{Config: config, Data: r.Material.fingerprint()}
}

// resume goes on from the last checkpoint, if there is one.
func (r *run) resume(ctx context.Context) (err error) {
	if err := r.folder.Tidy(); err != nil { // a run that was killed after its last checkpoint writes none that would do it
		return err
	}
	loaded, err := r.folder.Load(ctx, r.identity(), r.state())
	switch {
	case errors.Is(err, checkpoint.ErrNone):
		r.progress = checkpoint.Progress{Seed: r.config.Seed, LossScale: 1, Run: r.identity()}
		r.curves, err = curve.Create(r.Folder)
	case err == nil:
		r.progress = loaded.Progress
		r.learner.State.Restored()
		for _, passed := range loaded.Passed {
			r.Log.Warn("a checkpoint is damaged and passed over", "error", passed)
		}
		r.Log.Info("going on", "step", r.progress.Step, "steps", r.config.Steps)
		if err := r.resumeDistilling(ctx); err != nil {
			return err
		}
		r.curves, err = curve.Resume(r.Folder, r.progress.Step)
	}
	if err != nil || r.Recorder == nil {
		return err
	}
	return r.told(r.Recorder.Begin(ctx, r.progress.Step, r.config.Steps))
}

// save writes a checkpoint.
func (r *run) save(ctx context.Context) error {
	if err := r.curves.Sync(); err != nil {
		return err
	}
	r.progress.Schedule = r.progress.Step
	return r.folder.Save(ctx, r.progress, append(r.state(), r.teacher()...))
}

// stopLimit is how long a run that is told to stop may take for its checkpoint.
const stopLimit = 5 * time.Minute

// stop saves the state of a run whose context has ended, if it stands at the end of a
// step. Any other error leaves the last checkpoint as it is: what came after it may
// be the reason.
func (r *run) stop(ctx context.Context, cause error) error {
	if ctx.Err() == nil {
		return cause
	}
	if !r.whole {
		return context.Cause(ctx)
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	return errors.Join(context.Cause(ctx), r.save(saving))
}

// finish takes the best weights, judges and writes them.
func (r *run) finish(ctx context.Context, before measured, write Write) (Result, error) {
	steps := r.progress.Step
	if r.progress.Best != nil && r.progress.Best.Step != steps {
		if _, err := r.folder.LoadBest(ctx, r.identity(), r.state()); err != nil {
			return Result{}, err
		}
	}
	if err := r.takeAverage(); err != nil {
		return Result{}, err
	}
	after, err := r.measure(ctx)
	if err != nil {
		return Result{}, err
	}
	result := Result{Steps: steps, Best: r.progress.Best, Validation: after.Validation, Before: before.Validation, Pictures: r.learner.ChangesPictures(), Balance: r.balance}
	if r.Guard != nil {
		verdict, err := evaluate.CheckForgetting(before.Guard, after.Guard, evaluate.Allowance{Points: r.config.Guard.Allowed, Languages: r.config.Guard.Languages})
		if err != nil {
			return Result{}, err
		}
		result.Forgetting = &verdict
	}
	return result, errors.Join(write(ctx, r.learner, result.Forgetting), r.prefixes.close(), removeCaches(r.Folder))
}
