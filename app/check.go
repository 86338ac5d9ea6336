package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"polylens/indexer"
	"polylens/internal/progress"
	"polylens/web"
	"polylens/web/client"
)

type checkCommand struct {
	Names   []string `arg:"" optional:"" name:"name" placeholder:"NAME" help:"Collections to check (default: all)."`
	Repair  bool     `xor:"remedy" help:"Repair every difference: add missing rows, remove extra ones."`
	Rebuild bool     `xor:"remedy" help:"Fill the index again, including the rows that seem to be right."`
	JSON    bool     `help:"Print one JSON object a line: collection, images, missing, extra, outdated, repaired."`
}

// Help documents the command.
func (*checkCommand) Help() string {
	return `Compares the index of each collection in Milvus with the catalogue, which is the truth. Without --repair or --rebuild nothing is ` +
		`changed, and a difference is a failure. Neither needs the pictures: nothing is encoded again.

A row is missing when the index lacks an image, extra when no image stands behind it, and outdated when the image has changed since.

If "polylens serve" runs on the same data folder, it does the work; otherwise Milvus is started for it.

Examples:

    polylens check
    polylens check photos scans --json
    polylens check --repair
    polylens check photos --rebuild

` + exitHelp
}

// checkLine is what check --json prints for a collection.
type checkLine struct {
	Collection string `json:"collection"`
	web.Check
}

func (c *checkCommand) Run(ctx context.Context, p *program) error {
	api, here, err := p.catalogueAPI(ctx, "check")
	if err != nil {
		return err
	}
	names, err := c.names(ctx, api)
	if err != nil || len(names) == 0 {
		return err
	}
	if err := here.begin(ctx, true); err != nil {
		return err
	}
	var differ []string
	for _, name := range names {
		found, err := c.check(ctx, p, api, name)
		if err != nil {
			return err
		}
		if err := c.print(p, checkLine{name, found}); err != nil {
			return err
		}
		if differs(found) {
			differ = append(differ, name)
		}
	}
	if len(differ) > 0 && c.kind() == indexer.JobCheck {
		return fmt.Errorf("the index differs from the catalogue; repair it with `polylens check --repair %s`", strings.Join(differ, " "))
	}
	return nil
}

// names are the collections to check.
func (c *checkCommand) names(ctx context.Context, api *client.Client) ([]string, error) {
	for _, name := range c.Names {
		if _, err := api.Collection(ctx, name); err != nil {
			return nil, err
		}
	}
	if len(c.Names) > 0 {
		return c.Names, nil
	}
	collections, err := api.Collections(ctx)
	names := make([]string, len(collections))
	for i, collection := range collections {
		names[i] = collection.Name
	}
	return names, err
}

// kind is the kind of the jobs.
func (c *checkCommand) kind() string {
	switch {
	case c.Repair:
		return indexer.JobRepair
	case c.Rebuild:
		return indexer.JobRebuild
	}
	return indexer.JobCheck
}

// check queues a job that checks one collection and waits for it.
func (c *checkCommand) check(ctx context.Context, p *program, api *client.Client, name string) (web.Check, error) {
	job, err := api.Check(ctx, name, c.kind())
	if err != nil {
		return web.Check{}, err
	}
	line := progress.New(p.terminal.err)
	job, err = api.FollowJob(ctx, job, func(job web.Job) { line.Show(progressOf(job)) })
	line.End()
	if err == nil {
		err = outcome(job, "the "+c.kind()+" of "+name, "what was repaired stays")
	}
	if err != nil || job.Check == nil {
		return web.Check{}, err
	}
	return *job.Check, nil
}

func (c *checkCommand) print(p *program, line checkLine) error {
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(line)
	}
	p.print("%s: %d images, %s", line.Collection, line.Images, checkWords(line.Check))
	return nil
}
