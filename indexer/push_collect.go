package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// Collect removes the chunks of pushes that no job will do any more, and uploads that are
// used or that nobody goes on with. What is younger than blob.Grace at the time now may be
// of a push that is still arriving.
func (p *Pushes) Collect(ctx context.Context, now time.Time) error {
	known, err := p.knownPushes(ctx)
	if err != nil {
		return err
	}
	err = p.leftOf(ctx, now, known, func(file blob.File) error { return p.blobs.Delete(ctx, file.Name) })
	return errors.Join(err, p.collectUploads(ctx, now, known))
}

// left calls yield with the chunks that Collect removes.
func (p *Pushes) left(ctx context.Context, now time.Time, yield func(blob.File) error) error {
	known, err := p.knownPushes(ctx)
	if err != nil {
		return err
	}
	return p.leftOf(ctx, now, known, yield)
}

// leftOf is left where the jobs are known.
func (p *Pushes) leftOf(ctx context.Context, now time.Time, known map[string]catalog.Job, yield func(blob.File) error) error {
	return p.blobs.Walk(ctx, pushFolder, func(file blob.File) error {
		if _, needed := known[pushOf(file.Name)]; needed || now.Sub(file.Modified) < blob.Grace {
			return nil
		}
		return yield(file)
	})
}

func (p *Pushes) collectUploads(ctx context.Context, now time.Time, known map[string]catalog.Job) error {
	uploads := p.documents.places.Uploads
	if uploads == nil {
		return nil
	}
	_, err := uploads.Collect(ctx, now, func(push string, since time.Time) upload.State {
		job, there := known[push]
		switch {
		case !there && now.Sub(since) < blob.Grace: // it is still arriving
			return upload.Open
		case !there:
			return upload.Idle
		}
		return useOf(job)
	})
	return err
}

// useOf says whether a job still needs the uploads that its lines name. Lines that failed
// may be tried again.
func useOf(job catalog.Job) upload.State {
	var progress PushProgress
	_ = json.Unmarshal(job.Progress, &progress) // written by Polylens itself
	switch {
	case !job.State.Finished():
		return upload.Open
	case job.Kind == JobPush && job.State == catalog.JobSucceeded && progress.Counts.Failed == 0:
		return upload.Done
	}
	return upload.Idle
}

// knownPushes are those of jobs, by their names: what has failed of them can be tried
// again.
func (p *Pushes) knownPushes(ctx context.Context) (map[string]catalog.Job, error) {
	known := make(map[string]catalog.Job)
	return known, errors.Join(p.addPushes(ctx, known, JobPush), p.addPushes(ctx, known, JobPlan))
}

// addPushes adds those of the jobs of a kind.
func (p *Pushes) addPushes(ctx context.Context, known map[string]catalog.Job, kind string) error {
	filter := catalog.JobFilter{Kind: kind, Limit: 1000}
	for {
		page, err := p.queue.List(ctx, filter)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, job := range page {
			var params PushParams
			if err := json.Unmarshal(job.Params, &params); err != nil {
				return fmt.Errorf("parameters of job %s: %w", job.ID, err)
			}
			known[params.Push] = job
		}
		filter.Before = page[len(page)-1].ID
	}
}
