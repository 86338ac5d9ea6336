package main

import (
	"context"
	"encoding/json"
	"fmt"

	"polylens/web"
)

type collectionCommand struct {
	List      collectionListCommand      `cmd:"" help:"List the collections."`
	Create    collectionCreateCommand    `cmd:"" help:"Create an empty collection."`
	Originals collectionOriginalsCommand `cmd:"" help:"Choose whether a collection keeps the pictures that clients send, or only their vectors and thumbnails."`
	Failures  collectionFailuresCommand  `cmd:"" help:"List the files that indexing could not use, or not wholly."`
	Rename    collectionRenameCommand    `cmd:"" help:"Give a collection another name."`
	Delete    collectionDeleteCommand    `cmd:"" help:"Delete a collection and its index; the pictures stay."`
}

type collectionListCommand struct {
	JSON bool `help:"Print one JSON object a line: name, images, searchable, model, created, max_num_patches."`
}

// Help documents the command.
func (*collectionListCommand) Help() string {
	return `Lists the collections of the data folder, with how many images each has, whether the model in use can search it, and that ` +
		`model's name; for a collection that another model has indexed, the fingerprint of that model's vision tower. Milvus is not needed.

Examples:

    polylens collection list
    polylens collection list --json

` + exitHelp
}

func (c *collectionListCommand) Run(ctx context.Context, p *program) error {
	api, _, err := p.catalogueAPI(ctx, "collection list")
	if err != nil {
		return err
	}
	collections, err := api.Collections(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLines(p.terminal.out, collections)
	}
	info, err := api.Info(ctx)
	if err != nil {
		return err
	}
	table := p.table()
	fmt.Fprintln(table, "NAME\tIMAGES\tSEARCHABLE\tMODEL\tCREATED")
	for _, found := range collections {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n",
			found.Name, found.Images, yesOrNo(found.Searchable), modelOf(found, info.Model.Name), timeText(found.Created))
	}
	return table.Flush()
}

// modelOf is what encoded the pictures of a collection: the model in use, by its name, if
// that searches it, or else the fingerprint of one whose name nobody has kept.
func modelOf(found web.Collection, inUse string) string {
	if found.Searchable {
		return inUse
	}
	return orDash(fmt.Sprintf("%.12s", found.Model))
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

type collectionDeleteCommand struct {
	Name string `arg:"" placeholder:"NAME" help:"Name of the collection."`
	Yes  bool   `short:"y" help:"Do not ask."`
	JSON bool   `help:"Print one JSON object: name, images."`
}

// Help documents the command.
func (*collectionDeleteCommand) Help() string {
	return `Deletes a collection: its index in Milvus, and its images, captions and metadata in the catalogue. The pictures themselves ` +
		`stay where they are. Their vectors stay in the catalogue until "polylens prune", so that indexing the same pictures again is quick.

If "polylens serve" runs on the same data folder, it does the work; otherwise Milvus is started for it.

Examples:

    polylens collection delete holiday
    polylens collection delete holiday --yes

` + exitHelp
}

// collectionDeleted is what delete --json prints.
type collectionDeleted struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
}

func (c *collectionDeleteCommand) Run(ctx context.Context, p *program) error {
	api, here, err := p.catalogueAPI(ctx, "collection delete")
	if err != nil {
		return err
	}
	found, err := api.Collection(ctx, c.Name)
	if err != nil {
		return err
	}
	if err := c.confirm(p, found); err != nil {
		return err
	}
	if err := here.begin(ctx, false); err != nil {
		return err
	}
	if err := api.DeleteCollection(ctx, c.Name); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(collectionDeleted{c.Name, found.Images})
	}
	p.print("%s: deleted, with %d images; the pictures are where they were", c.Name, found.Images)
	return nil
}

func (c *collectionDeleteCommand) confirm(p *program, found web.Collection) error {
	if c.Yes {
		return nil
	}
	return p.confirm(fmt.Sprintf("Delete %s, with %d images? The pictures stay.", found.Name, found.Images), found.Name)
}
