package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"polylens/app/folder"
	"polylens/app/training"
	"polylens/indexer/catalog"
	"polylens/internal/progress"
	"polylens/trainer/evaluate"
	"polylens/web"
)

type trainCommand struct {
	Pairs      []string `placeholder:"FILE|DIR" sep:"none" help:"Pictures with texts: a file of pairs (.csv and .tsv, shards of WebDataset, also packed, else one JSON object a line) or a folder with captions; may be repeated."`
	Collection string   `placeholder:"NAME" help:"Train on the captions of a collection."`
	Field      []string `placeholder:"TEMPLATE" sep:"none" help:"With --collection: text made of metadata, such as '{{.Field \"title\"}} by {{.Field \"artist\"}}', or LANGUAGE=TEMPLATE; may be repeated."`
	Languages  []string `placeholder:"TAG" help:"With --collection: captions in these languages only (default: all)."`

	Preset string `placeholder:"NAME" help:"What to start from: text-only (vectors of pictures stay valid), query, lora, full or tiny (default: that of --config, else ${preset})."`
	Config string `placeholder:"FILE" type:"existingfile" help:"JSON file whose fields take the place of the preset's; see --print-config."`
	Steps  *int64 `placeholder:"N" help:"Steps to train, in place of those of the configuration."`
	Name   string `placeholder:"NAME" help:"Needed to train: name of the run and of the model that comes of it. A run that was interrupted goes on under its name."`
	Output string `placeholder:"DIR" help:"Directory to write the model to (default: NAME in the models of the data folder)."`
	Guard  string `placeholder:"FILE|DIR|demo|none" help:"Pictures with texts that the model must not forget: the demo in 36 languages, others, or none (default: demo)."`
	Force  bool   `help:"Keep a model that has forgotten more than is allowed; without this flag it is written under NAME.rejected."`

	Restart     bool `help:"Forget the run of this name, its curves and checkpoints, and begin anew."`
	PrintConfig bool `help:"Print the whole configuration and train nothing."`
	Inspect     bool `help:"Print what is in the pairs and train nothing."`
	JSON        bool `help:"Print one JSON object: name, run, model, steps, best_step, before, after, forgetting, reindex."`
}

// Help documents the command.
func (*trainCommand) Help() string {
	return `Finetunes the model on pairs of pictures and texts, and writes a new one. Pairs are inspected first: what cannot be read, ` +
		`duplicates, languages and lengths are reported, and pictures that are equal or nearly so stay on one side of the split ` +
		`between training, validation and test. The weights that did best on validation are kept. Before and after, the model is ` +
		`evaluated on a guarded set; one that lost more than the allowed points of R@5 in a language is rejected without --force.

A run survives being killed at any moment: the same command goes on from its last checkpoint and ends with the same weights. ` +
		`Its curves are in runs/NAME of the data folder, as curve.jsonl and for TensorBoard, and in the API (/api/v1/runs).

If "polylens serve" runs on the same data folder, it trains, one run after the other, and this command follows; interrupting it stops the run. ` +
		`Searches use the new model only after "polylens model use NAME".

Presets: text-only trains the text tower, and query its last layer, so that no picture needs to be indexed again; lora trains ` +
		`adapters of rank 8 beside the linear layers of both towers, full trains everything; tiny is full for twenty steps, to try things out.

Examples:

    polylens train --pairs catalogue.ndjson --name catalogue --inspect
    polylens train --pairs catalogue.ndjson --name catalogue
    polylens train --pairs birds.csv --name birds --preset lora --config birds.json
    polylens eval --pairs demo --model birds
    polylens model use birds
    polylens model rollback

` + exitHelp
}

func (c *trainCommand) Run(ctx context.Context, p *program) error {
	config, err := c.config(p)
	if err != nil {
		return usageError{err}
	}
	if c.PrintConfig {
		encoder := json.NewEncoder(p.terminal.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(config)
	}
	if err := c.checkName(); err != nil {
		return usageError{err}
	}
	if err := config.Data.Check(); err != nil {
		return usageError{fmt.Errorf("what to train on: %w", err)}
	}
	running, err := p.holdOrFind(ctx, "train")
	if err != nil {
		return err
	}
	if running != nil {
		return c.handOver(ctx, p, config, running)
	}
	return c.here(ctx, p, config)
}

// checkName wants a name for what is to be trained.
func (c *trainCommand) checkName() error {
	if c.Name == "" && c.Inspect {
		return nil
	}
	if c.Name == "" {
		return errors.New("missing flag --name: a run and the model that comes of it need one")
	}
	if err := training.CheckName(c.Name); err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	return nil
}

// config is the configuration of the file, overridden by the command line.
func (c *trainCommand) config(p *program) (training.Config, error) {
	var content []byte
	if c.Config != "" {
		var err error
		if content, err = os.ReadFile(c.Config); err != nil {
			return training.Config{}, err
		}
	}
	config, err := training.ParseConfig(content, c.Preset)
	if err != nil {
		return config, err
	}
	if c.Steps != nil {
		config.Steps, config.Optimizer.Warmup = *c.Steps, min(config.Optimizer.Warmup, max(0, *c.Steps))
	}
	if p.globals.named {
		config.Model = p.globals.Model
	}
	return config, errors.Join(c.data(&config.Data), config.Check())
}

// data takes what the command line names; paths become absolute, because the process
// that trains may run in another folder.
func (c *trainCommand) data(data *training.Data) (err error) {
	if len(c.Pairs)+len(c.Collection) > 0 {
		data.Pairs, data.Collection = c.Pairs, c.Collection
	}
	if len(c.Pairs) > 0 { // fields and languages are only for collections
		data.Fields, data.Languages = nil, nil
	}
	if len(c.Field) > 0 {
		data.Fields = c.Field
	}
	if len(c.Languages) > 0 {
		data.Languages = c.Languages
	}
	if c.Guard != "" {
		data.Guard = c.Guard
	}
	if data.Guard == "" {
		data.Guard = training.GuardDemo
	}
	for i := range data.Pairs {
		if data.Pairs[i], err = filepath.Abs(data.Pairs[i]); err != nil {
			return err
		}
	}
	if data.Guard != training.GuardDemo && data.Guard != training.GuardNone {
		data.Guard, err = filepath.Abs(data.Guard)
	}
	return err
}

// here trains in this process, which holds the data folder.
func (c *trainCommand) here(ctx context.Context, p *program, config training.Config) error {
	store, err := p.openCatalog(ctx)
	if err != nil {
		return err
	}
	t := &training.Training{
		Trainer: p.trainer(store), Name: c.Name, Config: config, Force: c.Force, Report: p.terminal.err, Progress: progressLine(p),
	}
	if c.Output != "" {
		if t.Output, err = filepath.Abs(c.Output); err != nil {
			return err
		}
	}
	if c.Inspect {
		return c.inspect(ctx, p, t)
	}
	run, err := t.Begin(ctx, c.Restart)
	if err != nil {
		return err
	}
	outcome, err := t.Run(ctx, run.ID)
	if err != nil {
		return err
	}
	if err := c.print(p, outcome); err != nil {
		return err
	}
	if !outcome.Passed() && !c.Force {
		return fmt.Errorf("the model has forgotten too much and was put aside: %s; train less, or on more languages, or use it nevertheless: polylens model use %s --force",
			outcome.Forgetting.Problem(), p.modelArgument(outcome.Model))
	}
	return nil
}

// progressLine shows people now and then how many pictures have been looked at.
func progressLine(p *program) func(done, total int) {
	tell := p.progress()
	return func(done, total int) { tell("pictures looked at", done, total) }
}

func (c *trainCommand) inspect(ctx context.Context, p *program, t *training.Training) error {
	report, err := t.Inspect(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return errors.Join(json.NewEncoder(p.terminal.out).Encode(report), report.Check())
	}
	return errors.Join(report.WriteText(p.terminal.out), report.Check())
}

func (c *trainCommand) print(p *program, outcome training.Outcome) error {
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(outcome)
	}
	p.print("%s: %d steps", outcome.Model, outcome.Steps)
	printQuality(p, outcome)
	if outcome.Reindex {
		p.print("Vectors of pictures have changed: “polylens model use %s” encodes collections anew before searches use it.", p.modelArgument(outcome.Model))
	} else {
		p.print("Vectors of pictures are as they were: “polylens model use %s” lets searches use it at once.", p.modelArgument(outcome.Model))
	}
	if outcome.Forgetting != nil {
		return outcome.Forgetting.Write(p.terminal.out)
	}
	return nil
}

// printQuality says what training did to the means on validation pictures, and
// warns where it did harm.
func printQuality(p *program, o training.Outcome) {
	for _, after := range o.After {
		at := slices.IndexFunc(o.Before, func(q evaluate.Quality) bool {
			return q.Language == after.Language && q.Direction == after.Direction
		})
		if after.Language != evaluate.MeanLanguage || at < 0 {
			continue
		}
		before, note := o.Before[at], ""
		if after.R1 < before.R1 && after.MRR < before.MRR {
			note = ": worse than before training"
		}
		p.print("Validation, %s: R@1 %.3f before, %.3f after%s", after.Direction, before.R1, after.R1, note)
	}
}

// modelArgument is how the command line names the model in a directory.
func (p *program) modelArgument(dir string) string {
	if models, err := p.modelsFolder(); err == nil && filepath.Dir(dir) == models {
		return filepath.Base(dir)
	}
	return dir
}

// handOver makes the server that holds the data folder train.
func (c *trainCommand) handOver(ctx context.Context, p *program, config training.Config, running *runningServer) error {
	if c.Inspect || c.Output != "" || c.Force {
		return fmt.Errorf("the data folder is %w by the server at %s, which trains then: leave out --inspect, --output and --force, or stop it first; "+
			"a model that has forgotten too much can still be used with `polylens model use %s --force`", folder.ErrInUse, running.address, c.Name+training.Rejected)
	}
	if config.Model != "" {
		var err error
		if config.Model, err = p.findModel(config.Model); err != nil {
			return err
		}
	}
	run, err := runOrder{c.Name, config, c.Restart}.begin(ctx, running.Client)
	if err == nil {
		line := progress.New(p.terminal.err)
		run, err = running.FollowRun(ctx, run, func(run web.Run) { line.Show(lineOf(run)) })
		line.End()
	}
	if err != nil {
		return err
	}
	if run.State != catalog.RunFinished {
		return fmt.Errorf("the run %q is %s: %s", run.Name, run.State, run.Error)
	}
	outcome, err := training.ReadOutcome(p.globals.Data, run.Name)
	if err != nil {
		return err
	}
	if err := c.print(p, outcome); err != nil {
		return err
	}
	if !outcome.Passed() {
		return fmt.Errorf("the model forgot too much: %s (polylens model use %s --force)", outcome.Forgetting.Problem(), p.modelArgument(outcome.Model))
	}
	return nil
}
