package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"polylens/encoder/hub"
)

type modelVerifyCommand struct {
	Names []string `arg:"" optional:"" placeholder:"NAME|DIR" help:"Models to check (default: all that \"model list\" shows)."`
	Write bool     `help:"Write a manifest for models that have none, and for changed ones whose changes are meant."`
	JSON  bool     `help:"Print one JSON object a line: name, files, problem."`
}

// Help documents the command.
func (*modelVerifyCommand) Help() string {
	return `Reads every file of the models and compares it with the SHA-256 in polylens.json, or, for models in the Hugging Face ` +
		`cache, with the hash in its name there. A model that was put into its place by hand has no manifest until --write makes one.

Examples:

    polylens model verify
    polylens model verify google/siglip2-base-patch16-256 --json
    polylens model verify ./my-finetuned-model --write

` + exitHelp
}

// modelVerdict is the outcome for one model.
type modelVerdict struct {
	Name    string `json:"name"`
	Files   int    `json:"files"`
	Problem string `json:"problem,omitempty"`
}

// errNotIntact ends a verify that has found damage and reported it already.
var errNotIntact = errors.New("not intact")

func (c *modelVerifyCommand) Run(ctx context.Context, p *program) error {
	if c.Write && len(c.Names) == 0 {
		return usageError{errors.New("--write: name the models that are to be stamped")}
	}
	store, err := p.modelStore()
	if err != nil {
		return err
	}
	names := c.Names
	if len(names) == 0 {
		if names, err = listedNames(store); err != nil {
			return err
		}
	}
	var damaged error
	for _, name := range names {
		files, err := c.verify(ctx, store, name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, hub.ErrUnknownModel) {
			return err
		}
		if err := c.print(p, modelVerdict{name, files, wordsOf(err)}); err != nil {
			return err
		}
		if err != nil {
			damaged = errors.Join(damaged, fmt.Errorf("%s is %w: %w", name, errNotIntact, remedied(name, err)))
		}
	}
	return damaged
}

func listedNames(store hub.Store) ([]string, error) {
	list, err := store.List()
	var names []string
	for _, info := range list {
		names = append(names, info.Name)
	}
	return names, err
}

func (c *modelVerifyCommand) verify(ctx context.Context, store hub.Store, name string) (int, error) {
	if !c.Write {
		return store.Verify(ctx, name)
	}
	manifest, err := store.Stamp(ctx, name)
	return len(manifest.Files), err
}

func (c *modelVerifyCommand) print(p *program, verdict modelVerdict) error {
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(verdict)
	}
	if verdict.Problem == "" {
		p.print("%s: %d files, intact", verdict.Name, verdict.Files)
	}
	return nil
}

// remedied adds what to do about a model that is not as it was.
func remedied(name string, err error) error {
	if errors.Is(err, hub.ErrNoManifest) {
		return fmt.Errorf("%w: `polylens model verify --write %s` makes one", err, name)
	}
	return fmt.Errorf("%w: `polylens model pull %s` mends what the hub holds; if the change is meant, `polylens model verify --write %s` stamps it",
		err, name, name)
}

func wordsOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
