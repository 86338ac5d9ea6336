package main

import (
	"context"
	"encoding/json"

	"polylens/indexer/catalog"
)

type collectionRenameCommand struct {
	Old  string `arg:"" placeholder:"OLD" help:"Name of the collection."`
	New  string `arg:"" placeholder:"NEW" help:"The name that it gets."`
	JSON bool   `help:"Print the collection as one JSON object: name, images, searchable, model, created, max_num_patches."`
}

// Help documents the command.
func (*collectionRenameCommand) Help() string {
	return `Gives a collection another name, at once: nothing is encoded or moved, and searches go on with the new name. The jobs ` +
		`and trainings of the collection go with it. While a job works on it, it keeps its name. Milvus is not needed.

Examples:

    polylens collection rename holiday spain

` + exitHelp
}

func (c *collectionRenameCommand) Run(ctx context.Context, p *program) error {
	if err := catalog.ValidateCollectionName(c.New); err != nil {
		return usageError{err}
	}
	api, _, err := p.catalogueAPI(ctx, "collection rename")
	if err != nil {
		return err
	}
	renamed, err := api.RenameCollection(ctx, c.Old, c.New)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(renamed)
	}
	p.print("%s: called %s from now on, with %d images", c.Old, renamed.Name, renamed.Images)
	return nil
}
