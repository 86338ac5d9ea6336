package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/progress"
	"polylens/web"
)

type indexCommand struct {
	Folder     string   `arg:"" placeholder:"DIR" type:"existingdir" help:"Folder of pictures, with everything below it."`
	Collection string   `required:"" placeholder:"NAME" help:"Collection to index into; created if it is missing."`
	Patches    int      `name:"max-num-patches" placeholder:"N" help:"Cut the collection's pictures into at most this many patches, 64 to 1024, from now on; for NaFlex models (default: what the collection has, at first the model's own number)."`
	Rehash     bool     `help:"Read every file, also those that seem unchanged, and encode those whose bytes are not what they were."`
	Confirm    bool     `name:"confirm-removal" help:"Remove pictures that are gone from the folder, however many these are."`
	Share      *float64 `name:"max-removed-share" placeholder:"SHARE" help:"Remove nothing, and fail, when more than this share of the folder's pictures is gone, 0 to 1 (default: 0.25)."`
	JSON       bool     `help:"Print the outcome as one JSON object: collection, directory, state, progress, failures."`
}

// Help documents the command.
func (*indexCommand) Help() string {
	return `Makes the pictures of a folder searchable. Running it again encodes only what is new or changed and removes what is ` +
		`gone; it may be interrupted at any moment. Captions and other metadata are read from metadata.jsonl or metadata.csv ` +
		`in a folder, or from PICTURE.json beside a picture. Pictures that cannot be read are named and skipped.

If "polylens serve" runs on the same data folder, it does the work; otherwise Milvus is started for it.

Examples:

    polylens index ~/Pictures --collection photos
    polylens index ~/Pictures --collection photos --json
    polylens index ~/Scans --collection scans --max-num-patches 1024

When a quarter of the folder's pictures is gone, or all of them, nothing is removed: the disk may not be mounted. Confirm with ` +
		`--confirm-removal what is meant so. Pictures that come back are not encoded again.

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
}

func (c *indexCommand) Run(ctx context.Context, p *program) error {
	folder, err := filepath.Abs(c.Folder)
	if err != nil {
		return err
	}
	if err := catalog.ValidateCollectionName(c.Collection); err != nil {
		return usageError{err}
	}
	if err := catalog.ValidateMaxPatches(c.Patches); err != nil {
		return usageError{err}
	}
	api, err := p.api(ctx, "index", true)
	if err != nil {
		return err
	}
	job, err := api.Index(ctx, c.Collection, web.IndexOrder{
		Source: web.Source{Directory: folder}, MaxNumPatches: c.Patches,
		Rehash: c.Rehash, ConfirmRemoval: c.Confirm, MaxRemovedShare: c.Share,
	})
	if err == nil {
		line := progress.New(p.terminal.err)
		job, err = api.FollowJob(ctx, job, func(job web.Job) {
			if !job.State.Finished() {
				line.Show(countOf(job))
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
	for _, failure := range job.Failures {
		fmt.Fprintf(p.terminal.err, "skipped %s: %s\n", failure.URI, failure.Reason)
	}
	if err := c.print(p, job, folder); err != nil {
		return err
	}
	return outcome(job, "indexing "+folder, "what was indexed stays")
}

func (c *indexCommand) print(p *program, job web.Job, folder string) error {
	if c.JSON {
		failures := append([]web.FileFailed{}, job.Failures...)
		return json.NewEncoder(p.terminal.out).Encode(indexOutcome{
			Collection: c.Collection, Directory: folder, State: job.State,
			Progress: job.Progress, Failures: failures,
		})
	}
	done := job.Progress
	_, err := fmt.Fprintf(p.terminal.out, "%s: %d pictures, %d new or changed, %d unchanged, %d removed, %d could not be read\n",
		c.Collection, done.Done, done.Indexed, done.Unchanged, done.Removed, done.Failed)
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
