package main

import (
	"context"
	"encoding/json"

	"polylens/indexer/catalog"
)

type collectionCreateCommand struct {
	Name      string            `arg:"" placeholder:"NAME" help:"Name of the collection."`
	Originals catalog.Originals `default:"kept" enum:"kept,discarded" help:"What becomes of the files of pictures that clients send: kept, or discarded once vector and thumbnail are made."`
	JSON      bool              `help:"Print the collection as one JSON object."`
}

const originalsHelp = `A collection that discards originals keeps the vector and a thumbnail of up to 1024 pixels of each picture that clients ` +
	`send (POST, push, "polylens index --server"), and not its file. Searches are answered as ever. What needs the files is refused: the ` +
	`pictures cannot be encoded for another model unless they are sent again to a collection that keeps them. ` +
	`Pictures in folders of the server are not touched by this.`

// Help documents the command.
func (*collectionCreateCommand) Help() string {
	return `Creates an empty collection. Indexing and pushing create one by themselves, too, which keeps originals.

` + originalsHelp + `

Examples:

    polylens collection create shop
    polylens collection create web --originals discarded

` + exitHelp
}

func (c *collectionCreateCommand) Run(ctx context.Context, p *program) error {
	if err := catalog.ValidateCollectionName(c.Name); err != nil {
		return usageError{err}
	}
	api, _, err := p.catalogueAPI(ctx, "collection create")
	if err != nil {
		return err
	}
	created, err := api.CreateCollection(ctx, c.Name, c.Originals)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(created)
	}
	p.print("%s: created; originals are %s", created.Name, created.Originals)
	return nil
}

type collectionOriginalsCommand struct {
	Name      string            `arg:"" placeholder:"NAME" help:"Name of the collection."`
	Originals catalog.Originals `arg:"" placeholder:"kept|discarded" enum:"kept,discarded" help:"What becomes of the files from now on."`
	JSON      bool              `help:"Print the collection as one JSON object."`
}

// Help documents the command.
func (*collectionOriginalsCommand) Help() string {
	return originalsHelp + `

With "discarded", the server removes the files that were kept before, too, after a day. With "kept", files that are gone do not come ` +
		`back: send these pictures again.

Examples:

    polylens collection originals web discarded
    polylens collection originals web kept

` + exitHelp
}

func (c *collectionOriginalsCommand) Run(ctx context.Context, p *program) error {
	api, _, err := p.catalogueAPI(ctx, "collection originals")
	if err != nil {
		return err
	}
	changed, err := api.SetOriginals(ctx, c.Name, c.Originals)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(changed)
	}
	if changed.Originals == catalog.OriginalsDiscarded {
		p.print("%s: originals are discarded from now on; those that were kept are removed after a day", changed.Name)
		return nil
	}
	p.print("%s: originals are kept from now on; those that are gone do not come back before they are sent again", changed.Name)
	return nil
}
