package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/trainer"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

type trainCommand struct {
	Pairs      []string `placeholder:"FILE|DIR" sep:"none" help:"Pictures with texts: a file of pairs (.csv and .tsv, .tar shards, else one JSON object a line) or a folder with captions; may be repeated."`
	Collection string   `placeholder:"NAME" help:"Train on the captions of a collection."`
	Field      []string `placeholder:"TEMPLATE" sep:"none" help:"With --collection: text made of metadata, such as \"{{.title}} by {{.artist}}\", or LANGUAGE=TEMPLATE; may be repeated."`
	Languages  []string `placeholder:"TAG" help:"With --collection: captions in these languages only (default: all)."`

	Preset string `placeholder:"NAME" default:"${preset}" help:"What to start from: text-only (the default: vectors of pictures stay valid), query, lora, full or tiny."`
	Config string `placeholder:"FILE" type:"existingfile" help:"JSON file whose fields take the place of the preset's; see --print-config."`
	Steps  int64  `placeholder:"N" help:"Steps to train, in place of those of the configuration."`
	Name   string `required:"" placeholder:"NAME" help:"Name of the run and of the model that comes of it. A run that was interrupted goes on under its name."`
	Output string `placeholder:"DIR" help:"Directory to write the model to (default: NAME in the models of the data folder)."`
	Guard  string `placeholder:"FILE|DIR|demo|none" default:"demo" help:"Pictures with texts that the model must not forget: the demo in 36 languages, others, or none (default: ${default})."`
	Force  bool   `help:"Keep a model that has forgotten more than is allowed; without it the model is written beside, under NAME.rejected."`

	PrintConfig bool `help:"Print the whole configuration and train nothing."`
	Inspect     bool `help:"Print what is in the pairs and train nothing."`
	JSON        bool `help:"Print one JSON object: name, model, steps, best, before, after, forgetting."`
}

// Help documents the command.
func (*trainCommand) Help() string {
	return `Finetunes the model on pairs of pictures and texts, and writes a new one. Pairs are inspected first: what cannot be read, ` +
		`duplicates, languages and lengths are reported, and pictures that are equal or nearly so stay on one side of the split ` +
		`between training, validation and test. The weights that did best on validation are kept. Before and after, the model is ` +
		`evaluated on a guarded set; one that lost more than the allowed points of R@5 in a language is rejected without --force.

A run survives being killed at any moment: the same command goes on from its last checkpoint and ends with the same weights. ` +
		`Its curves are in runs/NAME of the data folder, as curve.jsonl and for TensorBoard.

Presets: text-only trains the text tower, and query its last layer, so that no picture needs to be indexed again; lora trains ` +
		`adapters of rank 8 beside the linear layers of both towers, full everything; tiny is full for twenty steps, to try things out.

Examples:

    polylens train --pairs catalogue.ndjson --name catalogue --inspect
    polylens train --pairs catalogue.ndjson --name catalogue
    polylens train --pairs birds.csv --name birds --preset lora --config birds.json
    polylens eval --pairs demo --model birds

` + exitHelp
}

// trainOutcome is what train --json prints.
type trainOutcome struct {
	Name       string               `json:"name"`
	Model      string               `json:"model"` // its directory
	Steps      int64                `json:"steps"`
	BestStep   int64                `json:"best_step"` // whose weights the model has
	Before     []evaluate.Quality   `json:"before"`    // on validation
	After      []evaluate.Quality   `json:"after"`
	Forgetting *evaluate.Forgetting `json:"forgetting,omitempty"`
	Reindex    bool                 `json:"reindex"` // pictures have other vectors than before
}

func (c *trainCommand) Run(ctx context.Context, p *program) error {
	config, err := c.config()
	if err != nil {
		return usageError{err}
	}
	if c.PrintConfig {
		encoder := json.NewEncoder(p.terminal.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(config)
	}
	if err := c.check(); err != nil {
		return usageError{err}
	}
	return c.train(ctx, p, config)
}

// config reads the configuration.
func (c *trainCommand) config() (trainer.Config, error) {
	var content []byte
	if c.Config != "" {
		var err error
		if content, err = os.ReadFile(c.Config); err != nil {
			return trainer.Config{}, err
		}
	}
	config, err := trainer.ParseConfig(content, c.Preset)
	if err == nil && c.Steps > 0 {
		config.Steps, config.Optimizer.Warmup = c.Steps, min(config.Optimizer.Warmup, c.Steps)
		err = config.Check()
	}
	return config, err
}

func (c *trainCommand) check() error {
	switch {
	case len(c.Pairs) == 0 && c.Collection == "":
		return errors.New("nothing to train on: name --pairs or --collection")
	case c.Collection == "" && (len(c.Field) > 0 || len(c.Languages) > 0):
		return errors.New("--field and --languages belong to --collection")
	case strings.ContainsAny(c.Name, `/\`) || strings.HasPrefix(c.Name, "."):
		return fmt.Errorf("--name %q: want a name, without slashes and not beginning with a dot", c.Name)
	case c.Name == hub.BundledName:
		return fmt.Errorf("--name %q: that is the model that is built in", c.Name)
	}
	return nil
}

func (c *trainCommand) train(ctx context.Context, p *program, config trainer.Config) error {
	model, err := p.openForTraining()
	if err != nil {
		return err
	}
	reading, err := c.reading(ctx, p)
	if err != nil {
		return err
	}
	material, err := trainer.Inspect(ctx, config, model, reading)
	if err != nil {
		return err
	}
	if c.Inspect {
		return c.printReport(p, material)
	}
	if err := material.Report.WriteText(p.terminal.err); err != nil {
		return err
	}
	setting, err := c.setting(ctx, p, config, model, material, reading)
	if err != nil {
		return err
	}
	return c.run(ctx, p, config, setting)
}

func (c *trainCommand) printReport(p *program, material *trainer.Material) error {
	if c.JSON {
		return errors.Join(json.NewEncoder(p.terminal.out).Encode(material.Report), material.Report.Check())
	}
	return errors.Join(material.Report.WriteText(p.terminal.out), material.Report.Check())
}

// openForTraining opens the model in use.
func (p *program) openForTraining() (*trainer.Model, error) {
	dir, err := p.modelFolder()
	if err != nil {
		return nil, err
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

// setting is everything that the run works with.
func (c *trainCommand) setting(ctx context.Context, p *program, config trainer.Config, model *trainer.Model, material *trainer.Material, reading trainer.Reading) (trainer.Setting, error) {
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return trainer.Setting{}, err
	}
	environment, err := ort.Open(library)
	if err != nil {
		return trainer.Setting{}, err
	}
	guard, err := c.guarded(ctx, p, config, model)
	if err != nil {
		return trainer.Setting{}, err
	}
	return trainer.Setting{
		Folder: filepath.Join(p.globals.Data, "runs", c.Name), Environment: environment,
		Options: ort.Options{Threads: p.globals.Threads, Spin: trainingSpin, Device: p.globals.Device},
		Model:   model, Material: material, Reading: reading, Guard: guard, Log: p.log,
	}, nil
}

// trainingSpin bridges the gaps between operators.
const trainingSpin = 50 * time.Microsecond

func (c *trainCommand) run(ctx context.Context, p *program, config trainer.Config, setting trainer.Setting) error {
	target, err := c.target(p)
	if err != nil {
		return err
	}
	var written string
	result, err := trainer.Run(ctx, config, setting, func(ctx context.Context, l *learner.Learner, verdict *evaluate.Forgetting) error {
		written = target
		if verdict != nil && !verdict.Passed && !c.Force {
			written = target + ".rejected"
		}
		return writeTrained(ctx, l, written)
	})
	if err != nil {
		return err
	}
	if err := c.print(p, result, written); err != nil {
		return err
	}
	if result.Forgetting != nil && !result.Forgetting.Passed && !c.Force {
		return fmt.Errorf("the model has forgotten too much and was put aside in %s: %s; train less, on more languages, or keep it with --force",
			written, result.Forgetting.Problem())
	}
	return nil
}

// target is the directory of the model to write. One that exists already is
// known before anything is computed.
func (c *trainCommand) target(p *program) (string, error) {
	dir := c.Output
	if dir == "" {
		models, err := p.modelsFolder()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(models, c.Name)
	}
	if _, err := os.Lstat(dir); err == nil {
		return "", fmt.Errorf("there is a model %s already: choose another --name or --output, or remove it", dir)
	}
	return dir, nil
}

// writeTrained writes a model, in place of one that an interrupted run left.
func writeTrained(ctx context.Context, l *learner.Learner, dir string) error {
	if err := l.Write(ctx, dir); err != nil {
		return err
	}
	_, err := hub.WriteManifest(ctx, dir)
	return err
}

func (c *trainCommand) print(p *program, result trainer.Result, written string) error {
	if c.JSON {
		outcome := trainOutcome{
			Name: c.Name, Model: written, Steps: result.Steps, BestStep: result.Steps,
			Before: result.Before.Summary(), After: result.Validation.Summary(), Forgetting: result.Forgetting, Reindex: result.Pictures,
		}
		if result.Best != nil {
			outcome.BestStep = result.Best.Step
		}
		return json.NewEncoder(p.terminal.out).Encode(outcome)
	}
	p.print("%s: %d steps\n", written, result.Steps)
	if result.Pictures {
		p.print("Vectors of pictures have changed: collections are indexed again when the model is used.\n")
	} else {
		p.print("Vectors of pictures are as they were.\n")
	}
	if result.Forgetting != nil {
		return result.Forgetting.Write(p.terminal.out)
	}
	return nil
}
