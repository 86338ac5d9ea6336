package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/ordinary"
	"polylens/internal/progress"
	"polylens/web"
	"polylens/web/client"
)

// encodings are the endings of compressed files, and how requests name them.
var encodings = map[string]string{".gz": "gzip", ".zst": "zstd"}

// isLines reports whether a source of index is lines of JSON.
func isLines(source string) bool {
	if filepath.Base(source) == "-" {
		return true
	}
	name := strings.ToLower(source)
	for ending := range encodings {
		name = strings.TrimSuffix(name, ending)
	}
	return strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".jsonl")
}

// archiveTypes are the endings of archives, and how requests name them.
var archiveTypes = map[string]string{
	".zip": "application/zip", ".tar": "application/x-tar", ".tgz": "application/gzip", ".tar.gz": "application/gzip",
	".tar.zst": "application/zstd", ".tar.xz": "application/x-xz", ".tar.bz2": "application/x-bzip2",
	".parquet": "application/vnd.apache.parquet",
}

// archiveType is how requests name an archive, "" for what is none by its name.
func archiveType(source string) string {
	for ending, kind := range archiveTypes {
		if strings.HasSuffix(strings.ToLower(source), ending) {
			return kind
		}
	}
	return ""
}

// push sends lines of JSON or an archive and waits until they are done.
func (c *indexCommand) push(ctx context.Context, p *program) error {
	if err := c.checkPush(); err != nil {
		return usageError{err}
	}
	lines, err := c.lines(p)
	if err != nil {
		return err
	}
	defer lines.Close()
	kind, encoding := archiveType(c.Source), ""
	if kind == "" {
		kind, encoding = client.Lines, encodings[strings.ToLower(filepath.Ext(c.Source))]
	}
	api, err := p.api(ctx, "index", true)
	if err != nil {
		return err
	}
	job, err := c.send(ctx, p, api, lines, kind, encoding)
	if err != nil {
		return err
	}
	return c.follow(ctx, p, api, job)
}

// isBucket reports whether a source of index is a bucket.
func isBucket(source string) bool {
	scheme, _, found := strings.Cut(source, "://")
	return found && scheme != "" && !strings.Contains(scheme, "/")
}

// pushBucket lets the server push what lies in a bucket.
func (c *indexCommand) pushBucket(ctx context.Context, p *program) error {
	if err := c.checkPush(); err != nil {
		return usageError{err}
	}
	if c.Layout != "" {
		return usageError{errors.New("--layout is for archives, and for folders that are sent with --server")}
	}
	api, err := p.api(ctx, "index", true)
	if err != nil {
		return err
	}
	if c.DryRun {
		api = api.DryRun()
	}
	job, err := api.Index(ctx, c.Collection, web.IndexOrder{Source: web.Source{Bucket: c.Source}})
	if errors.Is(err, catalog.ErrInvalid) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	return c.follow(ctx, p, api, job)
}

// send brings what is to be pushed to the server: in pieces, so that a lost connection does
// no harm, if it is a file and the server is elsewhere.
func (c *indexCommand) send(ctx context.Context, p *program, api *client.Client, lines io.ReadCloser, kind, encoding string) (web.Job, error) {
	if c.DryRun {
		api = api.DryRun()
	}
	api = api.WithLayout(c.Layout)
	file, isFile := lines.(*ordinary.File)
	if !isFile || c.DryRun || p.globals.Server == "" {
		return api.Push(ctx, c.Collection, lines, kind, encoding)
	}
	info, err := file.Stat()
	if err != nil {
		return web.Job{}, err
	}
	line, began := progress.New(p.terminal.err), time.Now()
	id, err := api.Upload(ctx, c.Collection, filepath.Base(c.Source), file, info.Size(), func(sent int64) {
		line.Show(sentOf(sent, info.Size(), time.Since(began)))
	})
	line.End()
	if err != nil {
		return web.Job{}, err
	}
	return api.PushUpload(ctx, c.Collection, id)
}

// sentOf says how much of a file has been sent.
func sentOf(sent, size int64, took time.Duration) progress.Count {
	const mebi = 1 << 20
	rate := float64(sent) / mebi / max(took.Seconds(), 1e-3)
	return progress.Count{
		Done: int(sent / mebi), Total: int(size / mebi), What: "MiB sent", Rate: rate,
		Left: time.Duration(float64(size-sent) / mebi / max(rate, 1e-3) * float64(time.Second)),
	}
}

// follow waits until a push is done.
func (c *indexCommand) follow(ctx context.Context, p *program, api *client.Client, job web.Job) error {
	line := progress.New(p.terminal.err)
	job, err := api.FollowJob(ctx, job, func(job web.Job) {
		if !job.State.Finished() {
			line.Show(progressOf(job))
		}
	})
	line.End()
	if err != nil {
		return err
	}
	return c.printPush(p, job)
}

// checkPush refuses what lines of JSON have no use for.
func (c *indexCommand) checkPush() error {
	if c.Patches != 0 || c.Rehash || c.Confirm || c.Share != nil || c.Retry || c.NoDefaults || c.NoHidden || c.FollowLinks || c.Metadata != "" ||
		len(c.Include)+len(c.Exclude) > 0 {
		return errors.New("lines of JSON, archives and buckets know no options but --collection, --layout, --dry-run and --json; the others are for folders")
	}
	return nil
}

func (c *indexCommand) lines(p *program) (io.ReadCloser, error) {
	if filepath.Base(c.Source) == "-" {
		return io.NopCloser(p.terminal.in), nil
	}
	file, err := ordinary.Open(c.Source)
	if err != nil {
		return nil, usageError{err}
	}
	return file, nil
}

func (c *indexCommand) printPush(p *program, job web.Job) error {
	if job.Plan != nil {
		return c.printPlan(p, job)
	}
	counts := job.Counts
	if c.JSON {
		if err := json.NewEncoder(p.terminal.out).Encode(job); err != nil {
			return err
		}
	} else {
		p.print("%s", pushWords(c.Collection, counts))
		for _, note := range fileWords(job.Progress.Files) {
			p.print("%s", note)
		}
	}
	if err := outcome(job, "the push to "+c.Collection, "what was done stays"); err != nil {
		return err
	}
	if counts.Failed > 0 {
		return incompleteError{fmt.Errorf("%d of %d lines could not be done: polylens job items %s --outcome failed", counts.Failed, counts.Total, job.ID)}
	}
	return nil
}

// pushWords says for people what became of the lines of a push.
func pushWords(collection string, counts web.Counts) string {
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{
		{counts.Created, "new"}, {counts.Updated, "changed"}, {counts.Unchanged, "unchanged"}, {counts.Deleted, "deleted"}, {counts.Failed, "failed"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	return fmt.Sprintf("%d lines for %s: %s.", counts.Total, collection, strings.Join(parts, ", "))
}

type jobItemsCommand struct {
	ID      string `arg:"" placeholder:"ID" help:"ID of the job, as \"job list\" shows it."`
	Outcome string `placeholder:"OUTCOME" enum:"created,updated,unchanged,deleted,failed," default:"" help:"Only items with this outcome: created, updated, unchanged, deleted or failed."`
	JSON    bool   `help:"Print one JSON object a line, as the API returns it."`
}

// Help documents the command.
func (*jobItemsCommand) Help() string {
	return `Lists what became of each line of a push, in their order. Lines that are not done yet are left out.

Examples:

    polylens job items 0197c5e6-7c1e-7b0a-9d52-0b8f2f6f3a10 --outcome failed
    polylens job items 0197c5e6-7c1e-7b0a-9d52-0b8f2f6f3a10 --json

` + exitHelp
}

func (c *jobItemsCommand) Run(ctx context.Context, p *program) error {
	api, _, err := p.catalogueAPI(ctx, "job items")
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(p.terminal.out)
	return aboutJob(api.Items(ctx, c.ID, c.Outcome, func(item web.Item) error {
		if c.JSON {
			return encoder.Encode(item)
		}
		_, err := fmt.Fprintln(p.terminal.out, itemWords(item))
		return err
	}))
}

// itemWords says for people what became of a line.
func itemWords(item web.Item) string {
	words := []string{fmt.Sprint(item.Number), string(item.Outcome), string(item.Operation), item.ID}
	if item.Problem != nil {
		words = append(words, item.Problem.Detail)
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), "\t")
}
