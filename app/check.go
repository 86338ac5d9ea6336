package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"polylens/indexer"
	"polylens/internal/progress"
	"polylens/web"
	"polylens/web/client"
)

type checkCommand struct {
	Names      []string `arg:"" optional:"" name:"name" placeholder:"NAME" help:"Collections to check (default: all, and what belongs to none)."`
	Repair     bool     `xor:"remedy" help:"Repair what can be repaired: add missing rows, remove extra ones, encode again what has no vector, remove what nothing needs."`
	Rebuild    bool     `xor:"remedy" help:"Fill the index again, including the rows that seem to be right."`
	ReadData   bool     `xor:"read" help:"Also read the file of every picture, and compare every row of the index with the catalogue, number by number."`
	ReadSubset string   `name:"read-data-subset" xor:"read" placeholder:"N/T|P%" help:"Do so for a part of all pictures: part N of T, such as 1/7 on Mondays, or about P percent chosen at random."`
	JSON       bool     `help:"Print one JSON object a line: collection, images, missing, extra, outdated, repaired, findings."`
}

// Help documents the command.
func (*checkCommand) Help() string {
	return `Compares the catalogue, which is the truth, with everything else: the index of each collection in Milvus, the vectors, the files of ` +
		`pictures that clients have sent, those in folders, thumbnails, what is left of pushes, and the catalogue with itself. Without --repair or ` +
		`--rebuild nothing is changed.

A row is missing when the index lacks an image, extra when no image stands behind it, and outdated when the image has changed since. ` +
		`Whatever else is wrong is named, with what to do about it where a repair does not help. What only takes up room, and files in folders that have changed ` +
		`since they were indexed, are told and are no fault.

The exit code is 0 if there is no fault, or if --repair or --rebuild has mended all of them; 1 if there are faults; and that of every command if the check ` +
		`itself fails.

If "polylens serve" runs on the same data folder, it does the work; otherwise Milvus is started for it.

Examples:

    polylens check
    polylens check photos scans --json
    polylens check --read-data
    polylens check --read-data-subset 5% --repair
    polylens check photos --rebuild

` + exitHelp
}

// checkLine is what check --json prints for a collection, or for what belongs to none.
type checkLine struct {
	Collection string `json:"collection,omitempty"`
	web.Check
	Findings []web.Finding `json:"findings,omitempty"`
}

func (c *checkCommand) Run(ctx context.Context, p *program) error {
	part, err := c.part()
	if err != nil {
		return usageError{err}
	}
	api, here, err := p.catalogueAPI(ctx, "check")
	if err != nil {
		return err
	}
	names, err := c.names(ctx, api)
	if err != nil {
		return err
	}
	begin := here.beginJobs // what belongs to no collection needs no Milvus
	if len(names) > 0 {
		begin = func(ctx context.Context) error { return here.begin(ctx, true) }
	}
	if err := begin(ctx); err != nil {
		return err
	}
	faults := checkFaults{command: c}
	for _, name := range names {
		line, err := c.check(ctx, p, name, func() (web.Job, error) { return api.Check(ctx, name, web.CheckKind{Kind: c.kind(), CheckPart: part}) }, api)
		if err != nil {
			return err
		}
		if err := c.print(p, line); err != nil {
			return err
		}
		faults.add(line)
	}
	if len(c.Names) == 0 {
		line, err := c.check(ctx, p, "", func() (web.Job, error) { return api.CheckRest(ctx, c.restKind()) }, api)
		if err != nil {
			return err
		}
		if len(line.Findings) > 0 {
			if err := c.print(p, line); err != nil {
				return err
			}
		}
		faults.add(line)
	}
	return faults.err()
}

// part is the part of all pictures that is read.
func (c *checkCommand) part() (web.CheckPart, error) {
	if c.ReadData {
		return web.CheckPart{ReadPart: 1, ReadOf: 1}, nil
	}
	if c.ReadSubset == "" {
		return web.CheckPart{}, nil
	}
	wrong := fmt.Errorf("--read-data-subset %.40q: give a part such as 1/7, or a share such as 5%%", c.ReadSubset)
	if text, isShare := strings.CutSuffix(c.ReadSubset, "%"); isShare {
		share, err := strconv.ParseFloat(text, 64)
		if err != nil || !(share >= 0.001 && share <= 100) {
			return web.CheckPart{}, wrong
		}
		of := int(math.Round(100 / share))
		return web.CheckPart{ReadPart: 1 + rand.IntN(of), ReadOf: of}, nil
	}
	part, of, _ := strings.Cut(c.ReadSubset, "/")
	n, err1 := strconv.Atoi(part)
	t, err2 := strconv.Atoi(of)
	if err1 != nil || err2 != nil || (indexer.Sample{Part: n, Of: t}).Validate() != nil || n == 0 {
		return web.CheckPart{}, wrong
	}
	return web.CheckPart{ReadPart: n, ReadOf: t}, nil
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

// restKind is kind for what belongs to no collection.
func (c *checkCommand) restKind() string {
	if c.Repair || c.Rebuild {
		return indexer.JobRepair
	}
	return indexer.JobCheck
}

// check queues a job that checks one collection, or what belongs to none, and waits for it.
func (c *checkCommand) check(ctx context.Context, p *program, name string, queue func() (web.Job, error), api *client.Client) (checkLine, error) {
	job, err := queue()
	if err != nil {
		return checkLine{}, err
	}
	line := progress.New(p.terminal.err)
	job, err = api.FollowJob(ctx, job, func(job web.Job) { line.Show(progressOf(job)) })
	line.End()
	if err == nil {
		err = outcome(job, strings.TrimSpace("the "+job.Kind+" of "+cmp.Or(name, "what belongs to no collection")), "what was repaired stays")
	}
	if err != nil || job.Check == nil {
		return checkLine{}, err
	}
	return checkLine{name, *job.Check, job.Findings}, nil
}

func (c *checkCommand) print(p *program, line checkLine) error {
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(line)
	}
	if line.Collection != "" {
		p.print("%s: %d images, %s", line.Collection, line.Images, checkWords(line.Check))
	}
	for _, found := range line.Findings {
		p.print("%s: %s", cmp.Or(line.Collection, "elsewhere"), findingWords(found))
	}
	return nil
}

// checkFaults adds up what is left that is wrong.
type checkFaults struct {
	command *checkCommand
	differ  []string // collections whose index differs
	others  int      // further faults
}

func (f *checkFaults) add(line checkLine) {
	if differs(line.Check) && f.command.kind() == indexer.JobCheck {
		f.differ = append(f.differ, line.Collection)
	}
	for _, found := range line.Findings {
		if !found.Harmless {
			f.others += found.Count - found.Repaired
		}
	}
}

// err is nil if nothing is left.
func (f *checkFaults) err() error {
	switch repairs := f.command.kind() != indexer.JobCheck; {
	case f.others > 0 && repairs:
		return fmt.Errorf("%d faults are left that cannot be repaired; what to do about them stands above", f.others)
	case f.others > 0:
		return fmt.Errorf("%d faults were found; repair what can be repaired with `polylens check --repair`", f.others)
	case len(f.differ) > 0:
		return fmt.Errorf("the index differs from the catalogue; repair it with `polylens check --repair %s`", strings.Join(f.differ, " "))
	}
	return nil
}
