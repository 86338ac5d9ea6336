package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"polylens/indexer/catalog"
	"polylens/internal/progress"
	"polylens/web"
)

type trainCommand struct {
	Pairs      []string `placeholder:"FILE|DIR" sep:"none" help:"Pictures with texts: a file of pairs (.csv and .tsv, .tar shards, else one JSON object a line) or a folder with captions; may be repeated."`
	Collection string   `placeholder:"NAME" help:"Train on the captions of a collection."`
	Field      []string `placeholder:"TEMPLATE" sep:"none" help:"With --collection: text made of metadata, such as '{{.Field \"title\"}} by {{.Field \"artist\"}}', or LANGUAGE=TEMPLATE; may be repeated."`
	Languages  []string `placeholder:"TAG" help:"With --collection: captions in these languages only (default: all)."`

	Preset string `placeholder:"NAME" help:"What to start from: text-only (vectors of pictures stay valid), query, lora, full or tiny (default: that of --config, else ${preset})."`
	Config string `placeholder:"FILE" type:"existingfile" help:"JSON file whose fields take the place of the preset's; see --print-config."`
	Steps  *int64 `placeholder:"N" help:"Steps to train, in place of those of the configuration."`
	Name   string `required:"" placeholder:"NAME" help:"Name of the run and of the model that comes of it. A run that was interrupted goes on under its name."`
	Output string `placeholder:"DIR" help:"Directory to write the model to (default: NAME in the models of the data folder)."`
	Guard  string `placeholder:"FILE|DIR|demo|none" help:"Pictures with texts that the model must not forget: the demo in 36 languages, others, or none (default: demo)."`
	Force  bool   `help:"Keep a model that has forgotten more than is allowed; without it the model is written beside, under NAME.rejected."`

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
		`Nothing is searched with the new model before "polylens model use NAME".

Presets: text-only trains the text tower, and query its last layer, so that no picture needs to be indexed again; lora trains ` +
		`adapters of rank 8 beside the linear layers of both towers, full everything; tiny is full for twenty steps, to try things out.

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
	if err := checkRunName(c.Name); err != nil {
		return usageError{fmt.Errorf("--name: %w", err)}
	}
	if err := config.Data.check(); err != nil {
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

// config is that of the file, with what the command line says in its place.
func (c *trainCommand) config(p *program) (runConfig, error) {
	var content []byte
	if c.Config != "" {
		var err error
		if content, err = os.ReadFile(c.Config); err != nil {
			return runConfig{}, err
		}
	}
	config, err := parseRunConfig(content, c.Preset)
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

// data takes what the command line names; paths become absolute, as whoever
// trains may stand elsewhere.
func (c *trainCommand) data(data *runData) (err error) {
	if len(c.Pairs)+len(c.Collection) > 0 {
		data.Pairs, data.Collection = c.Pairs, c.Collection
	}
	if len(c.Pairs) > 0 { // which fields and languages of a collection are taken is beside the point
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
		data.Guard = demoPairs
	}
	for i := range data.Pairs {
		if data.Pairs[i], err = filepath.Abs(data.Pairs[i]); err != nil {
			return err
		}
	}
	if data.Guard != demoPairs && data.Guard != noGuard {
		data.Guard, err = filepath.Abs(data.Guard)
	}
	return err
}

// here trains in this process, which holds the data folder.
func (c *trainCommand) here(ctx context.Context, p *program, config runConfig) error {
	store, err := p.openCatalog(ctx)
	if err != nil {
		return err
	}
	t := training{program: p, store: store, name: c.Name, config: config, force: c.Force, progress: progressLine(p)}
	if c.Output != "" {
		if t.output, err = filepath.Abs(c.Output); err != nil {
			return err
		}
	}
	if c.Inspect {
		return c.inspect(ctx, t)
	}
	run, err := c.begin(ctx, &t)
	if err != nil {
		return err
	}
	recorder, err := store.RecordRun(ctx, run.ID, p.runPatience())
	if err != nil {
		return err
	}
	done, err := t.record(ctx, run.ID, recorder)
	if err != nil {
		return err
	}
	if err := c.print(p, t.outcome(run.ID, done)); err != nil {
		return err
	}
	if !done.Passed && !c.Force {
		return fmt.Errorf("the model has forgotten too much and was put aside: %s; train less, or on more languages, or use it nevertheless: polylens model use %s --force",
			done.Forgetting.Problem(), p.modelArgument(done.Model))
	}
	return nil
}

func (c *trainCommand) inspect(ctx context.Context, t training) error {
	setting, err := t.inspect(ctx)
	if err != nil {
		return err
	}
	report, out := setting.Material.Report, t.program.terminal.out
	if c.JSON {
		return errors.Join(json.NewEncoder(out).Encode(report), report.Check())
	}
	return errors.Join(report.WriteText(out), report.Check())
}

// begin creates the run, or finds the one of this name that can go on.
func (c *trainCommand) begin(ctx context.Context, t *training) (catalog.Run, error) {
	earlier, err := t.store.RunNamed(ctx, c.Name)
	if errors.Is(err, catalog.ErrNotFound) {
		return t.program.createRun(ctx, t.store, c.Name, t.config)
	}
	if err != nil {
		return earlier, err
	}
	if c.Restart {
		return c.restart(ctx, t, earlier)
	}
	if t.config.Model == "" { // what it began with may not be in use any more
		t.config.Model = earlier.Base.Directory
	}
	if _, err := t.program.completeRun(ctx, t.store, c.Name, &t.config); err != nil {
		return earlier, err
	}
	t.wrote = earlier.Output.Directory
	return earlier, c.resumable(earlier, t.config)
}

// restart replaces a run, unless the new one could not begin.
func (c *trainCommand) restart(ctx context.Context, t *training, earlier catalog.Run) (catalog.Run, error) {
	if _, err := t.program.plannedRun(ctx, t.store, c.Name, t.config); err != nil {
		return earlier, err
	}
	if _, err := t.target(); err != nil {
		return earlier, err
	}
	if err := t.program.deleteRun(ctx, t.store, earlier.ID); err != nil {
		return earlier, err
	}
	return t.program.createRun(ctx, t.store, c.Name, t.config)
}

// resumable is nil for a run that goes on with this configuration.
func (c *trainCommand) resumable(run catalog.Run, config runConfig) error {
	switch run.State {
	case catalog.RunFinished, catalog.RunActivated, catalog.RunRolledBack:
		return fmt.Errorf("the run %q is %s, and its model is in %s: choose another --name, or remove it with `polylens model rm` and begin anew with --restart", run.Name, run.State, run.Output.Directory)
	}
	if !config.equal(run.Config) {
		return fmt.Errorf("the run %q was begun with other settings: choose another --name, or begin anew with --restart", run.Name)
	}
	return nil
}

func (c *trainCommand) print(p *program, outcome trainOutcome) error {
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(outcome)
	}
	p.print("%s: %d steps", outcome.Model, outcome.Steps)
	outcome.printQuality(p)
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

// modelArgument is what names the model in a directory on the command line.
func (p *program) modelArgument(dir string) string {
	if models, err := p.modelsFolder(); err == nil && filepath.Dir(dir) == models {
		return filepath.Base(dir)
	}
	return dir
}

// handOver lets the server that holds the data folder train.
func (c *trainCommand) handOver(ctx context.Context, p *program, config runConfig, running *runningServer) error {
	if c.Inspect || c.Output != "" || c.Force {
		return fmt.Errorf("the data folder is %w by the server at %s, which trains then: leave out --inspect, --output and --force, or stop it first; "+
			"a model that has forgotten too much can still be used with `polylens model use %s --force`", errInUse, running.address, c.Name+rejected)
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
	outcome, err := p.readOutcome(run.Name)
	if err != nil {
		return err
	}
	if err := c.print(p, outcome); err != nil {
		return err
	}
	if outcome.Forgetting != nil && !outcome.Forgetting.Passed {
		return fmt.Errorf("the model forgot too much: %s (polylens model use %s --force)", outcome.Forgetting.Problem(), p.modelArgument(outcome.Model))
	}
	return nil
}
