package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
	"polylens/indexer/watch"
	"polylens/web"
	"polylens/web/client"
)

type sourceCommand struct {
	Add    sourceAddCommand    `cmd:"" help:"Keep a collection in step with a folder."`
	List   sourceListCommand   `cmd:"" help:"List the folders that collections are kept in step with."`
	Remove sourceRemoveCommand `cmd:"" help:"Keep a collection in step with a folder no longer."`
	Scan   sourceScanCommand   `cmd:"" help:"Scan such a folder now."`
}

// keptSources is what the API asks of sources.
type keptSources struct {
	*database.Store
	*indexer.Jobs
	*watch.Watcher
}

const sourceHelp = `While "polylens serve" runs, it looks at each of these folders from time to time, and soon after something has changed in it, and indexes ` +
	`what is new, changed or gone. What removes nothing since too much is gone waits until the folder changes, or somebody confirms.`

type sourceAddCommand struct {
	Folder     string        `arg:"" placeholder:"DIR" help:"Folder of pictures, with everything below it."`
	Collection string        `required:"" placeholder:"NAME" help:"Collection to keep in step; created if it is missing."`
	Interval   time.Duration `default:"1h" placeholder:"TIME" help:"Between the end of a scan and the next one, 1m to 720h (default: ${default})."`
	NoEvents   bool          `name:"no-events" help:"Scan it from time to time alone, not when something changes."`
	Metadata   string        `enum:",all,no-place,none" default:"" placeholder:"WHAT" help:"As of index; chosen once for the collection."`
	Share      *float64      `name:"max-removed-share" placeholder:"SHARE" help:"As of index, for every scan."`
	ruleFlags
	JSON bool `help:"Print the source as one JSON object, as the API returns it."`
}

// ruleFlags say what is looked at in a folder.
type ruleFlags struct {
	Include     []string `sep:"none" placeholder:"PATTERN" help:"Look only at files that this matches, or that lie in a folder that it matches; a pattern as in .gitignore, may be repeated."`
	Exclude     []string `sep:"none" placeholder:"PATTERN" help:"Leave out files and folders that this matches; a pattern as in .gitignore, may be repeated, and \"!PATTERN\" takes back."`
	NoDefaults  bool     `name:"no-default-excludes" help:"Look also at what photo systems leave behind, such as @eaDir, .thumbnails and wastebaskets."`
	NoHidden    bool     `name:"no-hidden" help:"Leave out files and folders whose name begins with a dot."`
	FollowLinks bool     `name:"follow-links" help:"Look into folders behind symbolic links, each once, also outside of the folder."`
}

func (f ruleFlags) rules() web.Rules {
	return web.Rules{Include: f.Include, Exclude: f.Exclude, NoDefaultExcludes: f.NoDefaults, NoHidden: f.NoHidden, FollowLinks: f.FollowLinks}
}

// Help documents the command.
func (*sourceAddCommand) Help() string {
	return `Lets a collection be kept in step with a folder. ` + sourceHelp + `

Events of files come from the system; network file systems have none. "polylens source list" says where they are not followed, and why. ` +
		`Folders behind links are found by scans alone.

Examples:

    polylens source add ~/Pictures --collection photos
    polylens source add /mnt/nas/scans --collection scans --interval 10m --no-events

` + exitHelp
}

func (c *sourceAddCommand) Run(ctx context.Context, p *program) error {
	order, err := c.order(p)
	if err != nil {
		return usageError{err}
	}
	api, here, err := p.catalogueAPI(ctx, "source add")
	if err != nil {
		return err
	}
	added, err := api.AddSource(ctx, c.Collection, order)
	if errors.Is(err, catalog.ErrInvalid) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(added)
	}
	p.print("%s is kept in step with %s, every %s%s: source %s", added.Collection, added.Directory, c.Interval, eventWords(added.Events), added.ID)
	if here != nil {
		fmt.Fprintln(p.terminal.err, "No server runs on this data folder: nothing is scanned before “polylens serve” does.")
	}
	return nil
}

func eventWords(events bool) string {
	if events {
		return " and when something changes"
	}
	return ""
}

func (c *sourceAddCommand) order(p *program) (web.SourceOrder, error) {
	order := web.SourceOrder{
		Directory: c.Folder, IntervalSeconds: int(c.Interval / time.Second), Metadata: c.Metadata, MaxRemovedShare: c.Share, Rules: c.rules(),
	}
	if c.NoEvents {
		no := false
		order.Events = &no
	}
	if err := catalog.ValidateCollectionName(c.Collection); err != nil {
		return order, err
	}
	if err := (catalog.KeptSource{Every: c.Interval}).Validate(); err != nil {
		return order, err
	}
	if p.globals.Server != "" { // the folder is there
		return order, nil
	}
	absolute, err := filepath.Abs(kong.ExpandPath(c.Folder))
	order.Directory = absolute
	return order, errors.Join(err, source.Rules(order.Rules).Check())
}

type sourceListCommand struct {
	Collection string `placeholder:"NAME" help:"Only those of this collection."`
	JSON       bool   `help:"Print one JSON object a line, as the API returns it."`
}

// Help documents the command.
func (*sourceListCommand) Help() string {
	return `Lists the folders that collections are kept in step with, and how each is. ` + sourceHelp + `

Examples:

    polylens source list
    polylens source list --collection photos --json

` + exitHelp
}

func (c *sourceListCommand) Run(ctx context.Context, p *program) error {
	api, _, err := p.catalogueAPI(ctx, "source list")
	if err != nil {
		return err
	}
	sources, err := c.sources(ctx, api)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLines(p.terminal.out, sources)
	}
	table := p.table()
	fmt.Fprintln(table, "ID\tCOLLECTION\tFOLDER\tEVERY\tEVENTS\tLAST SCAN\tSTATE")
	for _, one := range sources {
		last := "never"
		if one.LastScan != nil {
			last = timeText(one.LastScan.Created)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, one.Collection, one.Directory,
			time.Duration(one.IntervalSeconds)*time.Second, yesOrNo(one.EventsProblem == ""), last, one.State)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, one := range sources {
		explainSource(p, one)
	}
	return nil
}

// explainSource says what the table has no room for.
func explainSource(p *program, one web.KeptSource) {
	if one.Detail != "" {
		fmt.Fprintf(p.terminal.err, "%s: %s: %s\n", one.Directory, one.State, one.Detail)
	}
	if one.Events && one.EventsProblem != "" {
		fmt.Fprintf(p.terminal.err, "%s: events: %s\n", one.Directory, one.EventsProblem)
	}
}

func (c *sourceListCommand) sources(ctx context.Context, api *client.Client) ([]web.KeptSource, error) {
	if c.Collection != "" {
		return api.Sources(ctx, c.Collection)
	}
	return allSources(ctx, api)
}

func allSources(ctx context.Context, api *client.Client) ([]web.KeptSource, error) {
	collections, err := api.Collections(ctx)
	var all []web.KeptSource
	for _, one := range collections {
		if err != nil {
			break
		}
		var some []web.KeptSource
		some, err = api.Sources(ctx, one.Name)
		all = append(all, some...)
	}
	return all, err
}

// findSource finds a source by its ID.
func findSource(ctx context.Context, api *client.Client, id string) (web.KeptSource, error) {
	all, err := allSources(ctx, api)
	if err != nil {
		return web.KeptSource{}, err
	}
	for _, one := range all {
		if one.ID == id {
			return one, nil
		}
	}
	return web.KeptSource{}, fmt.Errorf("source %.80q: %w (“polylens source list” shows them)", id, catalog.ErrNotFound)
}

type sourceRemoveCommand struct {
	ID   string `arg:"" placeholder:"ID" help:"ID of the source, as \"source list\" shows it."`
	JSON bool   `help:"Print the source as one JSON object, as the API returned it before."`
}

// Help documents the command.
func (*sourceRemoveCommand) Help() string {
	return `Ends that a collection is kept in step with a folder. What was indexed from it stays, and so do the pictures.

Examples:

    polylens source remove 6f1a1f0e-0d0b-4c39-9d0c-6a4f3f2f8f11

` + exitHelp
}

func (c *sourceRemoveCommand) Run(ctx context.Context, p *program) error {
	api, _, err := p.catalogueAPI(ctx, "source remove")
	if err != nil {
		return err
	}
	found, err := findSource(ctx, api, c.ID)
	if err != nil {
		return err
	}
	if err := api.DeleteSource(ctx, found.Collection, found.ID); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(found)
	}
	p.print("%s is no longer kept in step with %s; what was indexed from it stays", found.Collection, found.Directory)
	return nil
}

type sourceScanCommand struct {
	ID      string `arg:"" placeholder:"ID" help:"ID of the source, as \"source list\" shows it."`
	Confirm bool   `name:"confirm-removal" help:"Remove pictures that are gone from the folder, however many these are."`
	Retry   bool   `name:"retry-failed" help:"As of index."`
	Rehash  bool   `help:"As of index."`
	JSON    bool   `help:"Print the job as one JSON object, as the API returns it."`
}

// Help documents the command.
func (*sourceScanCommand) Help() string {
	return `Scans a folder that a collection is kept in step with now, without waiting for the end. Its job is like that of "polylens index".

Examples:

    polylens source scan 6f1a1f0e-0d0b-4c39-9d0c-6a4f3f2f8f11
    polylens source scan 6f1a1f0e-0d0b-4c39-9d0c-6a4f3f2f8f11 --confirm-removal

` + exitHelp
}

func (c *sourceScanCommand) Run(ctx context.Context, p *program) error {
	api, here, err := p.catalogueAPI(ctx, "source scan")
	if err != nil {
		return err
	}
	found, err := findSource(ctx, api, c.ID)
	if err != nil {
		return err
	}
	job, err := api.ScanSource(ctx, found.Collection, found.ID, web.ScanOrder{ConfirmRemoval: c.Confirm, RetryFailed: c.Retry, Rehash: c.Rehash})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(job)
	}
	p.print("job %s scans %s; “polylens job show %s --follow” shows how it goes", job.ID, found.Directory, job.ID)
	if here != nil {
		fmt.Fprintln(p.terminal.err, "No server runs on this data folder: the job waits for “polylens serve”.")
	}
	return nil
}
