package main

import (
	"context"
	"encoding/json"
	"fmt"

	"polylens/encoder"
)

type modelRmCommand struct {
	Name string `arg:"" placeholder:"NAME" help:"Name of the model, as \"model list\" shows it."`
	Yes  bool   `short:"y" help:"Do not ask."`
	JSON bool   `help:"Print one JSON object: name, bytes."`
}

// Help documents the command.
func (*modelRmCommand) Help() string {
	return `Removes a model from the data folder, and what an interrupted pull has left of it. Collections that were indexed ` +
		`with it cannot be searched until they are indexed with another one. The built-in model and those of the Hugging Face cache are left alone.

Examples:

    polylens model rm google/siglip2-base-patch16-256
    polylens model rm google/siglip2-base-patch16-256 --yes

` + exitHelp
}

// modelRemoved is what rm --json prints.
type modelRemoved struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

func (c *modelRmCommand) Run(ctx context.Context, p *program) error {
	store, err := p.modelStore()
	if err != nil {
		return err
	}
	info, err := store.Removable(c.Name)
	if err != nil {
		return err
	}
	if err := p.checkUnused(info.Dir); err != nil {
		return err
	}
	if !c.Yes {
		if err := p.confirm(fmt.Sprintf("Remove %s, %s in %s?", c.Name, size(info.Bytes), info.Dir), c.Name); err != nil {
			return err
		}
	}
	if err := store.Remove(ctx, c.Name); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(modelRemoved{c.Name, info.Bytes})
	}
	p.print("%s: removed, %s are free again", c.Name, size(info.Bytes))
	return nil
}

// checkUnused refuses a model that the data folder uses, or is to use next, itself
// or as what an adapter changes.
func (p *program) checkUnused(dir string) error {
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return err
	}
	used := []string{choice.Model}
	if choice.Next != nil {
		used = append(used, choice.Next.Model)
	}
	for _, name := range used {
		found, err := p.findModel(name)
		if err != nil {
			continue // it is gone already
		}
		if found == dir {
			return fmt.Errorf("the data folder uses the model %s: let it use another one first, with `polylens model use` or `polylens model rollback`", name)
		}
		if base, err := encoder.Base(found, p.findModel); err == nil && base == dir {
			return fmt.Errorf("the data folder uses the adapter %s, which changes this model: let it use another one first, with `polylens model use` or `polylens model rollback`", name)
		}
	}
	return nil
}
