package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
	"polylens/internal/progress"
	"polylens/web"
	"polylens/web/client"
)

type indexCommand struct {
	Source     string   `arg:"" placeholder:"SOURCE" help:"Folder of pictures, with everything below it; a bucket and what the keys of pictures in it begin with, such as s3://shop/photos/; or a file of lines of JSON, NAME.ndjson or NAME.jsonl, also with .gz or .zst; an archive of pictures (.zip, .tar, .tar.gz, …), such as a WebDataset shard; Parquet with pictures; or - for lines from standard input."`
	Collection string   `required:"" placeholder:"NAME" help:"Collection to index into; created if it is missing."`
	Patches    int      `name:"max-num-patches" placeholder:"N" help:"Cut the collection's pictures into at most this many patches, 64 to 1024, from now on; for NaFlex models (default: what the collection has, at first the model's own number)."`
	Rehash     bool     `help:"Read every file, also those that seem unchanged, and encode those whose bytes are not what they were."`
	Confirm    bool     `name:"confirm-removal" help:"Remove pictures that are gone from the folder, however many these are."`
	Share      *float64 `name:"max-removed-share" placeholder:"SHARE" help:"Remove nothing, and fail, when more than this share of the folder's pictures is gone, 0 to 1 (default: 0.25)."`
	Retry      bool     `name:"retry-failed" help:"Look again at files that could not be read, or that were no pictures, though they have not changed."`

	ruleFlags

	Metadata string `enum:",all,no-place,none" default:"" placeholder:"WHAT" help:"What the collection takes, from now on, of what cameras and programs write into pictures and beside them: all, no-place (all but where pictures were taken) or none (default: what it took before, at first all)."`

	Layout string `enum:",imagefolder" default:"" placeholder:"LAYOUT" help:"Of an archive, or of a folder that is sent with --server: with imagefolder, the name of the folder that a picture lies in is its label, as in Hugging Face's imagefolder."`
	DryRun bool   `name:"dry-run" help:"Change nothing: say what would be new, changed, unchanged and removed, and how long encoding takes."`
	Watch  bool   `help:"Keep the collection in step with the folder from now on, while \"polylens serve\" runs, as \"source add\" does; this is its first scan."`
	JSON   bool   `help:"Print the outcome as one JSON object: collection, directory, state, progress, failures, warnings."`
}

// Help documents the command.
func (*indexCommand) Help() string {
	return `Makes the pictures of a folder searchable. Running it again encodes only what is new or changed and removes what is ` +
		`gone; it may be interrupted at any moment. Captions and other metadata are read from metadata.jsonl or metadata.csv ` +
		`in a folder, or from PICTURE.json beside a picture; dates, places, cameras, titles, keywords and names also from the ` +
		`picture itself (EXIF, IPTC, XMP) and from PICTURE.xmp, PICTURE.txt and the files of Google Takeout.

What is a picture is told by its content: names do not matter. These formats are read: ` + decode.Readable() + `. Everything else is counted, and named by ` +
		`"polylens collection failures". Pictures that cannot be read are named, and make the command end with 6.

What photo systems leave behind is left out: ` + strings.Join(source.DefaultExcludes(), ", ") + `. ` +
		`A file .polylensignore in any folder leaves out more, by patterns as in .gitignore.

If "polylens serve" runs on the same data folder, it does the work; otherwise Milvus is started for it.

Examples:

    polylens index ~/Pictures --collection photos
    polylens index ~/Pictures --collection photos --json
    polylens index ~/Pictures --collection photos --exclude 'drafts/' --exclude '*.tmp' --no-hidden
    polylens index ~/Scans --collection scans --max-num-patches 1024
    polylens index products.ndjson.gz --collection shop
    produce-lines | polylens index - --collection shop
    polylens index shard-000123.tar --collection web
    polylens index ~/Pictures --collection photos --dry-run
    polylens index ~/Pictures --collection photos --watch
    polylens index s3://shop/photos/ --collection shop
    POLYLENS_KEY=… polylens index ~/Pictures --collection photos --server https://photos.example.org

A line of JSON says what is to become of one image: {"op":"upsert","id":"4711","data":"…","metadata":{…},"captions":{"de":"…"}} with the picture's file in base64, ` +
		`{"op":"patch","id":"4711","metadata":{…}}, or {"op":"delete","id":"4711"}. "polylens job items" shows what became of each.

Pictures of a bucket are those whose names say so. The server reads them, if it was started with --source-bucket for that bucket; ` +
		`their keys are their ids, and 1.json or 1.jpg.json beside 1.jpg says something about it.

With --server the pictures of a folder are sent to a server elsewhere, as long as it does not have them already; their paths within the folder are their ids. ` +
		`Pictures that are gone from the folder stay there. A file is sent in pieces, and goes on where it was when the connection is lost.

When more than a quarter of the folder's pictures is gone, or the last of them, nothing is removed: the disk may not be mounted. The same goes for ` +
		`a folder in it that has no picture any more, for a disk that was mounted in it, and for most of the pictures behind a link or a mount point that leads to another folder than before. ` +
		`Confirm with --confirm-removal what is meant so. Up to three pictures may go, unless these were the last or --max-removed-share is given. Pictures that come back are not ` +
		`encoded again.

Files count as unchanged when their size, their time and the change time of their inode are what they were.

More patches show a NaFlex model smaller things and take longer. Changing their number later is like changing the model: all pictures ` +
		`are encoded again, and searches use the old vectors until the new ones are complete.

` + exitHelp
}

// indexOutcome is what index --json prints.
type indexOutcome struct {
	Collection string           `json:"collection"`
	Directory  string           `json:"directory"`
	State      catalog.JobState `json:"state"`
	Progress   web.Progress     `json:"progress"`
	Failures   []web.FileFailed `json:"failures"`
	Warnings   []web.FileFailed `json:"warnings"`
}

func (c *indexCommand) Run(ctx context.Context, p *program) error {
	if err := catalog.ValidateCollectionName(c.Collection); err != nil {
		return usageError{err}
	}
	if c.Watch && !isFolder(kong.ExpandPath(c.Source)) {
		return usageError{errors.New("--watch is for folders")}
	}
	if isBucket(c.Source) {
		return c.pushBucket(ctx, p)
	}
	if c.Source != "-" {
		c.Source = kong.ExpandPath(c.Source)
	}
	if isLines(c.Source) || archiveType(c.Source) != "" && !isFolder(c.Source) {
		return c.push(ctx, p)
	}
	folder, err := c.folder()
	if err != nil {
		return err
	}
	if c.Watch && p.globals.Server != "" {
		return usageError{errors.New("--watch is for folders of the machine that serves: it does not go with --server")}
	}
	if p.globals.Server != "" {
		return c.pushFolder(ctx, p, folder)
	}
	if c.Layout != "" {
		return usageError{errors.New("--layout is for archives, and for folders that are sent with --server")}
	}
	if c.Watch && (c.Confirm || c.Rehash || c.Retry || c.DryRun) {
		return usageError{errors.New("--watch goes with what holds for every scan: leave out --confirm-removal, --rehash, --retry-failed and --dry-run, or run without --watch first")}
	}
	if err := catalog.ValidateMaxPatches(c.Patches); err != nil {
		return usageError{err}
	}
	rules := c.rules()
	if err := source.Rules(rules).Check(); err != nil {
		return usageError{err}
	}
	api, err := p.api(ctx, "index", true)
	if err != nil {
		return err
	}
	if c.Watch {
		return c.watch(ctx, p, api, folder)
	}
	if c.DryRun {
		api = api.DryRun()
	}
	job, err := api.Index(ctx, c.Collection, web.IndexOrder{
		Source: web.Source{Directory: folder}, MaxNumPatches: c.Patches, Metadata: c.Metadata,
		Rules: rules, RetryFailed: c.Retry, Rehash: c.Rehash, ConfirmRemoval: c.Confirm, MaxRemovedShare: c.Share,
	})
	if err == nil && c.DryRun {
		return c.follow(ctx, p, api, job)
	}
	return c.finish(ctx, p, api, job, err, folder)
}

// watch lets the collection be kept in step with the folder, and waits for the first scan.
func (c *indexCommand) watch(ctx context.Context, p *program, api *client.Client, folder string) error {
	added, err := api.AddSource(ctx, c.Collection, web.SourceOrder{
		Directory: folder, MaxNumPatches: c.Patches, Metadata: c.Metadata, Rules: c.rules(), MaxRemovedShare: c.Share,
		IntervalSeconds: int(catalog.DefaultScanInterval / time.Second),
	})
	var job web.Job
	if err == nil && added.LastScan != nil {
		fmt.Fprintf(p.terminal.err, "%s is kept in step with this folder while “polylens serve” runs; “polylens source remove %s” ends that\n", c.Collection, added.ID)
		job, err = api.Job(ctx, added.LastScan.Job)
	}
	return c.finish(ctx, p, api, job, err, folder)
}

// finish waits for the end of a job that was ordered, unless there was an error, and says
// what came of it.
func (c *indexCommand) finish(ctx context.Context, p *program, api *client.Client, job web.Job, err error, folder string) error {
	if err == nil {
		line := progress.New(p.terminal.err)
		job, err = api.FollowJob(ctx, job, func(job web.Job) {
			if !job.State.Finished() {
				line.Show(progressOf(job))
			}
		})
		line.End()
	}
	if errors.Is(err, catalog.ErrInvalid) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	c.printFailures(p, job)
	if err := c.print(p, job, folder); err != nil {
		return err
	}
	return cmp.Or(outcome(job, "indexing "+folder, "what was indexed stays"), incomplete(job, folder))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// folder is the absolute path of the source.
func (c *indexCommand) folder() (string, error) {
	info, err := os.Stat(c.Source)
	switch {
	case err != nil:
		return "", usageError{err}
	case !info.IsDir():
		return "", usageError{fmt.Errorf("%s is a file that is not known; give a folder, or lines of JSON in a file whose name ends with .ndjson or .jsonl", c.Source)}
	}
	return filepath.Abs(c.Source)
}

// printFailures names what could not be used.
func (c *indexCommand) printFailures(p *program, job web.Job) {
	for _, failure := range job.Failures {
		fmt.Fprintf(p.terminal.err, "skipped %s: %s\n", placeWords(failure.URI), failure.Reason)
	}
	for _, warning := range job.Warnings {
		fmt.Fprintf(p.terminal.err, "note %s: %s\n", placeWords(warning.URI), warning.Reason)
	}
	files := job.Progress.Files
	if more := job.Progress.Failed + total(files.Unusable) + total(files.Warnings) - len(job.Failures) - len(job.Warnings); more > 0 {
		fmt.Fprintf(p.terminal.err, "and %d more: polylens collection failures %s\n", more, c.Collection)
	}
}

func (c *indexCommand) print(p *program, job web.Job, folder string) error {
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(indexOutcome{
			Collection: c.Collection, Directory: folder, State: job.State,
			Progress: job.Progress, Failures: append([]web.FileFailed{}, job.Failures...), Warnings: append([]web.FileFailed{}, job.Warnings...),
		})
	}
	_, err := fmt.Fprintln(p.terminal.out, strings.Join(indexWords(c.Collection, folder, job.Progress), "\n"))
	return err
}

// countOf says how far a job has come.
func countOf(job web.Job) progress.Count {
	done := job.Progress
	return progress.Count{Done: done.Done, Total: done.Total, What: "pictures", Rate: done.Rate,
		Left: time.Duration(done.SecondsLeft) * time.Second}
}

// outcome is the error of a job that did not succeed: what it was, and what stays of
// it if it was canceled.
func outcome(job web.Job, what, stays string) error {
	switch job.State {
	case catalog.JobFailed:
		return fmt.Errorf("%s failed: %s", what, job.Error)
	case catalog.JobCanceled:
		return fmt.Errorf("%s was canceled; %s", what, stays)
	}
	return nil
}
