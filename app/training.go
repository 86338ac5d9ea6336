package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"polylens/app/setup"
	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/trainer"
	"polylens/trainer/checkpoint"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// training does what a run is configured to do.
type training struct {
	program  *program
	store    *database.Store
	name     string
	config   runConfig
	output   string // directory of the model; empty: by its name, in the data folder
	force    bool   // keep a model that forgot too much under its own name
	wrote    string // directory that an earlier part of the run has begun to write; "" for none
	progress func(done, total int)
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

// runFolder holds curves and checkpoints of a run.
func (p *program) runFolder(name string) string { return filepath.Join(p.globals.Data, "runs", name) }

// record runs a training and keeps with the recorder of the run what happens.
func (t training) record(ctx context.Context, id string, recorder *database.RunRecorder) (done trained, err error) {
	defer func() { err = errors.Join(err, recorder.Close()) }()
	if done, err = t.run(ctx, recorder); err == nil {
		err = t.program.keepOutcome(t.outcome(id, done))
	}
	return done, errors.Join(err, t.end(ctx, recorder, err))
}

// end records how a run has ended.
func (t training) end(ctx context.Context, recorder *database.RunRecorder, cause error) error {
	state, reason := catalog.RunFinished, ""
	switch {
	case errors.Is(cause, trainer.ErrLost), errors.Is(cause, catalog.ErrConflict):
		return nil // nothing of it is ours any more
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
func (t training) run(ctx context.Context, recorder *database.RunRecorder) (trained, error) {
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
	done.Result, err = trainer.Run(ctx, t.config.Config, setting, func(ctx context.Context, l *learner.Learner, verdict *evaluate.Forgetting) error {
		done.Model, done.Passed = target, verdict == nil || verdict.Passed
		if !done.Passed && !t.force {
			done.Model += rejected
		}
		return t.write(ctx, l, done.Model, verdict, recorder)
	})
	return done, err
}

// checkSpace tells before the first step that the model would not fit on the disk.
// An adapter is small. What is trained is written in 32 bits, whatever it was
// stored in.
func (t training) checkSpace(target, base string) error {
	info, err := hub.Describe(t.name, base)
	if err != nil || t.config.Mode == "lora" {
		return err
	}
	return checkpoint.CheckSpace(filepath.Dir(target), max(info.Bytes, 4*info.Parameters))
}

// inspect reads the pairs and looks at the pictures.
func (t training) inspect(ctx context.Context) (trainer.Setting, error) {
	model, err := t.program.openForTraining(t.config.Model)
	if err != nil {
		return trainer.Setting{}, err
	}
	reading, err := t.reading()
	if err != nil {
		return trainer.Setting{}, err
	}
	material, err := trainer.Inspect(ctx, t.config.Config, model, reading)
	return trainer.Setting{Model: model, Material: material, Reading: reading, Log: t.program.log}, err
}

// setting is everything that the run works with.
func (t training) setting(ctx context.Context) (trainer.Setting, error) {
	p := t.program
	setting, err := t.inspect(ctx)
	if err != nil {
		return setting, err
	}
	if err := setting.Material.Report.WriteText(p.terminal.err); err != nil {
		return setting, err
	}
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return setting, err
	}
	if setting.Environment, err = ort.Open(library); err != nil {
		return setting, err
	}
	setting.Folder = p.runFolder(t.name)
	setting.Options = ort.Options{Threads: p.globals.Threads, Spin: trainingSpin, Device: p.globals.Device}
	setting.Guard, err = t.guarded(ctx, setting.Model)
	return setting, err
}

// openForTraining opens a model, "" for the one in use.
func (p *program) openForTraining(name string) (*trainer.Model, error) {
	dir, err := p.findModel(cmp.Or(name, p.globals.Model))
	if err != nil {
		return nil, err
	}
	if base, err := encoder.Base(dir, p.findModel); err == nil && base != dir {
		return nil, fmt.Errorf("the model %s is an adapter, which cannot be trained further: begin with the model that it changes, --model %s", dir, base)
	}
	if hub.IsExport(dir) {
		return nil, fmt.Errorf("the model %s is an ONNX export, which cannot be trained: name the checkpoint that it was made of with --model", dir)
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		return nil, err
	}
	return trainer.OpenModel(dir, fingerprint)
}

// target is the directory of the model to write. One that exists already is
// known before anything is computed, unless an earlier part of the run wrote it.
func (t training) target() (string, error) {
	dir := t.output
	if dir == "" {
		models, err := t.program.modelsFolder()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(models, t.name)
	}
	return dir, errors.Join(t.checkFree(dir), t.checkFree(dir+rejected))
}

// rejected follows the name of a model that forgot too much.
const rejected = ".rejected"

func (t training) checkFree(dir string) error {
	if dir == t.wrote {
		return nil
	}
	return checkFree(dir)
}

// write writes the model and records it. What it is about to write is recorded
// first: of a run that is interrupted here, the next part replaces that alone.
func (t training) write(ctx context.Context, l *learner.Learner, dir string, verdict *evaluate.Forgetting, recorder *database.RunRecorder) error {
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
