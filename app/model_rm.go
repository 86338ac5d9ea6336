package main

import (
	"context"
	"encoding/json"
	"fmt"
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
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return err
	}
	if err := choice.CheckUnused(info.Dir, p.findModel); err != nil {
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
