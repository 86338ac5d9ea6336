package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"polylens/app/training"
	"polylens/encoder/hub"
	"polylens/trainer/fresh"
)

// newModel says where a new model is written.
type newModel struct {
	Name   string `required:"" placeholder:"NAME" help:"Name of the new model."`
	Output string `placeholder:"DIR" help:"Directory to write it to (default: NAME in the models of the data folder)."`
}

// write lets write fill the directory, which must not exist yet, and stamps it.
func (m newModel) write(ctx context.Context, p *program, write func(dir string) error) error {
	if err := training.CheckName(m.Name); err != nil {
		return usageError{err}
	}
	dir := m.Output
	if dir == "" {
		models, err := p.modelsFolder()
		if err != nil {
			return err
		}
		dir = filepath.Join(models, m.Name)
	}
	if err := write(dir); err != nil {
		return err
	}
	manifest, err := hub.WriteManifest(ctx, dir)
	if err != nil {
		return err
	}
	p.print("%s: fingerprint %.12s", dir, manifest.Fingerprint)
	return nil
}

type modelNewCommand struct {
	Config    string `required:"" placeholder:"FILE" type:"existingfile" help:"The architecture: a config.json of transformers for SigLIP."`
	Tokenizer string `required:"" placeholder:"DIR" type:"existingdir" help:"Directory whose tokenizer files the model takes."`
	Seed      uint64 `placeholder:"N" default:"1" help:"Decides the weights (default: 1)."`
	Short     bool   `help:"Begin in a way that suits a training of hours: blocks close to the identity, and patches that know their places."`
	newModel
}

// Help documents the command.
func (*modelNewCommand) Help() string {
	return `Writes a model with random weights, as transformers begins with them, to train from scratch. The temperature and the ` +
		`bias of the loss begin where SigLIP begins them. The same arguments give the same bytes.

Examples:

    polylens model new --config config.json --tokenizer models/polylens-mini --name scratch --seed 7
    polylens train --model scratch --pairs pictures.ndjson --config labels.json --name seeing

` + exitHelp
}

func (c *modelNewCommand) Run(ctx context.Context, p *program) error {
	config, err := os.ReadFile(c.Config)
	if err != nil {
		return err
	}
	return c.write(ctx, p, func(dir string) error {
		return fresh.Write(ctx, dir, config, c.Tokenizer, fresh.Options{Seed: c.Seed, Short: c.Short})
	})
}

type modelPruneCommand struct {
	Model string   `arg:"" placeholder:"NAME|DIR" help:"The model to begin with."`
	Texts []string `required:"" placeholder:"FILE" sep:"none" type:"existingfile" help:"Texts that keep their tokens, one a line; may be repeated."`
	Size  int      `placeholder:"N" help:"Keep at most this many tokens: the most frequent in the texts (default: all that occur)."`
	newModel
}

// Help documents the command.
func (*modelPruneCommand) Help() string {
	return `Writes a copy of a model with fewer tokens: those that the texts use, special ones, and bytes, so that other texts can ` +
		`still be written, in more and smaller pieces. The texts keep their tokens, and so their vectors. Most of a small model is rows ` +
		`of its vocabulary: of 256,000 tokens a catalogue in one language uses a few thousand.

Examples:

    polylens model prune-vocabulary google/siglip2-base-patch16-256 --texts titles.txt --texts queries.txt --name catalogue
    polylens model prune-vocabulary google/siglip2-base-patch16-256 --texts titles.txt --size 32000 --name catalogue

` + exitHelp
}

func (c *modelPruneCommand) Run(ctx context.Context, p *program) error {
	if c.Size < 0 {
		return usageError{fmt.Errorf("--size %d: want 1 or more", c.Size)}
	}
	from, err := p.checkpoint(c.Model, "vocabulary")
	if err != nil {
		return err
	}
	texts, err := fresh.ReadTexts(c.Texts)
	if err != nil {
		return err
	}
	return c.write(ctx, p, func(dir string) error { return fresh.Prune(ctx, from, dir, texts, c.Size) })
}

type modelGrowCommand struct {
	Model string   `arg:"" placeholder:"NAME|DIR" help:"The model to begin with."`
	Words []string `required:"" placeholder:"FILE" sep:"none" type:"existingfile" help:"Words that become tokens, one a line; may be repeated."`
	newModel
}

// Help documents the command.
func (*modelGrowCommand) Help() string {
	return `Writes a copy of a model with tokens for words that took several before. Each begins as the mean of the pieces that it ` +
		`replaces, so train the model afterwards, on texts that hold the words.

Examples:

    polylens model grow-vocabulary google/siglip2-base-patch16-256 --words brands.txt --name catalogue
    polylens train --model catalogue --pairs catalogue.ndjson --name catalogue-2

` + exitHelp
}

func (c *modelGrowCommand) Run(ctx context.Context, p *program) error {
	from, err := p.checkpoint(c.Model, "vocabulary")
	if err != nil {
		return err
	}
	words, err := fresh.ReadTexts(c.Words)
	if err != nil {
		return err
	}
	return c.write(ctx, p, func(dir string) error { return fresh.Grow(ctx, from, dir, words) })
}

// checkpoint is the directory of a model whose vocabulary or weights can be
// changed: what says which.
func (p *program) checkpoint(name, what string) (string, error) {
	dir, err := p.findModel(name)
	if err != nil {
		return "", err
	}
	if hub.IsExport(dir) {
		return "", fmt.Errorf("the model %s is an ONNX export, whose %s cannot be changed: name the checkpoint that it was made of", dir, what)
	}
	return dir, nil
}
