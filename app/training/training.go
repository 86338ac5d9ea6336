package training

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/trainer"
	"polylens/trainer/checkpoint"
	"polylens/trainer/data"
	"polylens/trainer/data/inspect"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// Training is one run at work. Its methods are for one goroutine.
type Training struct {
	*Trainer
	Name     string
	Config   Config
	Output   string                // directory of the model; empty: by its name, in the folder of models
	Force    bool                  // keep a model that forgot too much under its own name
	Report   io.Writer             // gets, as text, what the pairs are like
	Progress func(done, total int) // called with how many pictures have been looked at; may be nil

	wrote string // directory that an earlier part of the run has begun to write; "" for none
	files []*data.Files
}

// trained is what came of a run.
type trained struct {
	trainer.Result
	Model  string // its directory
	Passed bool   // whether it kept what it must not forget
}

// trainingSpin bridges the gaps between operators.
const trainingSpin = 50 * time.Microsecond

// lastWords bounds what is recorded at the end of a run.
const lastWords = 20 * time.Second

// Run trains the run with an ID, which Begin has returned, and writes the model.
func (t *Training) Run(ctx context.Context, id string) (Outcome, error) {
	recorder, err := t.Catalog.RecordRun(ctx, id, t.patience())
	if err != nil {
		return Outcome{}, err
	}
	return t.record(ctx, id, recorder)
}

// record runs a training and records what happens with the recorder of the run.
func (t *Training) record(ctx context.Context, id string, recorder *database.RunRecorder) (result Outcome, err error) {
	defer func() { err = errors.Join(err, recorder.Close()) }()
	defer t.closeFiles()
	done, err := t.run(ctx, recorder)
	if err == nil {
		result = t.outcome(id, done)
		err = result.keep(t.Data)
	}
	return result, errors.Join(err, t.end(ctx, recorder, err))
}

// end records how a run has ended.
func (t *Training) end(ctx context.Context, recorder *database.RunRecorder, cause error) error {
	state, reason := catalog.RunFinished, ""
	switch {
	case errors.Is(cause, trainer.ErrLost), errors.Is(cause, catalog.ErrConflict):
		return nil // the run is no longer ours
	case cause != nil && ctx.Err() != nil:
		state = catalog.RunStopped
	case cause != nil:
		state, reason = catalog.RunFailed, cause.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return recorder.State(ctx, state, reason)
}

// run trains and writes the model.
func (t *Training) run(ctx context.Context, recorder *database.RunRecorder) (trained, error) {
	target, err := t.target()
	if err != nil {
		return trained{}, err
	}
	setting, err := t.setting(ctx)
	if err != nil {
		return trained{}, err
	}
	if err := t.checkSpace(target, setting.Model.Dir); err != nil {
		return trained{}, err
	}
	setting.Recorder = trainRecorder{recorder}
	done := trained{Passed: true}
	done.Result, err = trainer.Run(ctx, t.Config.Config, setting, func(ctx context.Context, l *learner.Learner, verdict *evaluate.Forgetting) error {
		done.Model, done.Passed = target, verdict == nil || verdict.Passed
		if !done.Passed && !t.Force {
			done.Model += Rejected
		}
		return t.write(ctx, l, done.Model, verdict, recorder)
	})
	return done, err
}

// checkSpace fails, before the first step, if the model would not fit on the disk.
// An adapter is small. What is trained is written in 32 bits, whatever it was
// stored in.
func (t *Training) checkSpace(target, base string) error {
	info, err := hub.Describe(t.Name, base)
	if err != nil || t.Config.Mode == "lora" {
		return err
	}
	return checkpoint.CheckSpace(filepath.Dir(target), max(info.Bytes, 4*info.Parameters))
}

// Inspect says what the pairs are like, and trains nothing.
func (t *Training) Inspect(ctx context.Context) (inspect.Report, error) {
	defer t.closeFiles()
	setting, err := t.inspect(ctx)
	if err != nil {
		return inspect.Report{}, err
	}
	return setting.Material.Report, nil
}

// inspect reads the pairs and looks at the pictures.
func (t *Training) inspect(ctx context.Context) (trainer.Setting, error) {
	model, err := t.openModel(ctx, t.Config.Model)
	if err != nil {
		return trainer.Setting{}, err
	}
	reading, err := t.reading(ctx)
	if err != nil {
		return trainer.Setting{}, err
	}
	material, err := trainer.Inspect(ctx, t.Config.Config, model, reading)
	return trainer.Setting{Model: model, Material: material, Reading: reading, Log: t.Log}, err
}

// setting is everything that the run works with.
func (t *Training) setting(ctx context.Context) (trainer.Setting, error) {
	setting, err := t.inspect(ctx)
	if err != nil {
		return setting, err
	}
	if err := setting.Material.Report.WriteText(t.Report); err != nil {
		return setting, err
	}
	library, err := t.Item(setup.OnnxRuntime)
	if err != nil {
		return setting, err
	}
	if setting.Environment, err = ort.Open(library); err != nil {
		return setting, err
	}
	setting.Folder = runFolder(t.Data, t.Name)
	if err := os.MkdirAll(filepath.Dir(setting.Folder), 0o700); err != nil {
		return setting, fmt.Errorf("folder of runs: %w", err)
	}
	setting.Options = ort.Options{Threads: t.Threads, Spin: trainingSpin, Device: t.Device}
	setting.Guard, err = t.guarded(ctx, setting.Model)
	return setting, err
}

// target is the directory of the model to write. If it exists already, that is an
// error before anything is computed, unless an earlier part of the run wrote it.
func (t *Training) target() (string, error) {
	dir := cmp.Or(t.Output, filepath.Join(t.Models, t.Name))
	return dir, errors.Join(t.checkFree(dir), t.checkFree(dir+Rejected))
}

// Rejected follows the name of a model that forgot too much.
const Rejected = ".Rejected"

func (t *Training) checkFree(dir string) error {
	if dir == t.wrote {
		return nil
	}
	return CheckFree(dir)
}

// write writes the model and records it. What it is about to write is recorded
// first: if the run is interrupted here, its next part may replace that and nothing
// else.
func (t *Training) write(ctx context.Context, l *learner.Learner, dir string, verdict *evaluate.Forgetting, recorder *database.RunRecorder) error {
	var gate json.RawMessage
	if verdict != nil {
		var err error
		if gate, err = json.Marshal(verdict); err != nil {
			return err
		}
	}
	if err := recorder.Output(ctx, catalog.RunModel{Directory: dir}, gate); err != nil {
		return err
	}
	if dir == t.wrote {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := l.Write(ctx, dir); err != nil {
		return err
	}
	manifest, err := hub.WriteManifest(ctx, dir)
	if err != nil {
		return err
	}
	return recorder.Output(ctx, catalog.RunModel{Directory: dir, Fingerprint: manifest.Fingerprint}, gate)
}

// trainRecorder shows a run in the catalogue to the trainer.
type trainRecorder struct{ *database.RunRecorder }

// Begin implements trainer.Recorder, as do the methods below.
func (r trainRecorder) Begin(ctx context.Context, step, steps int64) error {
	return lost(r.RunRecorder.Begin(ctx, step, steps))
}

// Point implements trainer.Recorder.
func (r trainRecorder) Point(ctx context.Context, step int64, values map[string]float64) error {
	return lost(r.RunRecorder.Point(ctx, step, values))
}

// Best implements trainer.Recorder.
func (r trainRecorder) Best(ctx context.Context, metric string, step int64, value float64) error {
	return lost(r.RunRecorder.Best(ctx, catalog.RunBest{Metric: metric, Step: step, Value: value}))
}

func lost(err error) error {
	if errors.Is(err, catalog.ErrConflict) {
		return fmt.Errorf("%w: %w", trainer.ErrLost, err)
	}
	return err
}
