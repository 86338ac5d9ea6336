package main

import (
	"context"
	"encoding/json"
	"fmt"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
)

type pruneCommand struct {
	JSON bool `help:"Print one JSON object: vectors, bytes."`
}

// Help documents the command.
func (*pruneCommand) Help() string {
	return `Removes the vectors of pictures that are gone, and those of models that were used before the last two, from the catalogue, ` +
		`and gives their space back to the disk. Until then they are kept, so that pictures that come back and models that are used again ` +
		`need not be encoded again. Every picture is found as before, and "polylens model rollback" goes back to the model before, ` +
		`but no further. No server may run on the data folder, and the disk must have room for what is left of the catalogue.

Examples:

    polylens prune

` + exitHelp
}

func (c *pruneCommand) Run(ctx context.Context, p *program) error {
	hold, _, err := p.hold("prune")
	if err != nil {
		return err
	}
	p.later(hold.Release)
	choice, err := readChoice(p.globals.Data)
	if err != nil {
		return err
	}
	if choice.Next != nil {
		return fmt.Errorf("pictures are being encoded for the model %s, whose vectors nothing uses yet: let `polylens serve` finish that first", choice.Next.Model)
	}
	store, err := p.openCatalog(ctx)
	if err != nil {
		return err
	}
	var purged catalog.Purged
	err = p.reserve.Spend(func() error {
		purged, err = rollout.Prune(ctx, store, choice, p.globals.Data)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(purged)
	}
	p.print("%d vectors removed, %s.", purged.Vectors, size(purged.Bytes))
	return nil
}
