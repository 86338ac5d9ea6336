package main

import (
	"context"
	"fmt"

	"polylens/indexer/catalog"
)

type collectionFailuresCommand struct {
	Name  string   `arg:"" placeholder:"NAME" help:"The collection."`
	Kind  []string `placeholder:"KIND" enum:"picture,incomplete,other,file,folder,name,link,special,sidecar" help:"Only failures of this kind: picture, incomplete, other, file, folder, name, link, special or sidecar; several are separated by commas."`
	Limit int      `default:"1000" placeholder:"N" help:"Most failures (default: ${default})."`
	JSON  bool     `help:"Print one JSON object a line: uri, kind, reason."`
}

// Help documents the command.
func (*collectionFailuresCommand) Help() string {
	return `Lists what the last indexing of each folder could not use, or not wholly. Kinds: picture (not indexed), incomplete (indexed, and less than ` +
		`its file was meant to hold), other (no picture that Polylens reads), file and folder (cannot be looked at now), name (the path is too ` +
		`long), link (not followed), special (a pipe, socket or device), sidecar (metadata that cannot be read, or that is of no picture). Milvus is not needed.

Examples:

    polylens collection failures photos
    polylens collection failures photos --kind picture,incomplete
    polylens collection failures photos --kind other --json

` + exitHelp
}

func (c *collectionFailuresCommand) Run(ctx context.Context, p *program) error {
	if err := catalog.ValidateCollectionName(c.Name); err != nil {
		return usageError{err}
	}
	if c.Limit < 1 {
		return usageError{fmt.Errorf("--limit %d: want 1 or more", c.Limit)}
	}
	api, _, err := p.catalogueAPI(ctx, "collection failures")
	if err != nil {
		return err
	}
	failures, err := api.Failures(ctx, c.Name, c.Limit, c.Kind...)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLines(p.terminal.out, failures)
	}
	table := p.table()
	fmt.Fprintln(table, "KIND\tFILE: REASON")
	for _, failure := range failures {
		fmt.Fprintf(table, "%s\t%s: %s\n", failure.Kind, placeWords(failure.URI), failure.Reason)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(failures) == c.Limit {
		fmt.Fprintf(p.terminal.err, "these are the first %d; there may be more: see --limit\n", c.Limit)
	}
	return nil
}
