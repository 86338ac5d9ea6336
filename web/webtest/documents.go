package webtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

// Documents returns what takes pictures one by one. They are PNGs, and found by no search.
func (l *Library) Documents() web.Documents { return documents{l} }

type documents struct{ *Library }

// Apply implements web.Documents.
func (d documents) Apply(_ context.Context, name string, document indexer.Document) (catalog.Image, catalog.Outcome, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	uri := catalog.PushedURI(document.ID)
	if document.Operation != catalog.OperationUpsert && d.collections[name] == nil {
		return catalog.Image{}, "", fmt.Errorf("%w: %q", catalog.ErrCollectionNotFound, name)
	}
	s := d.shelf(name)
	at := slices.IndexFunc(s.images, func(image catalog.Image) bool { return image.URI == uri })
	if document.Operation != catalog.OperationUpsert && at < 0 {
		return catalog.Image{}, "", fmt.Errorf("%w: %q", catalog.ErrImageNotFound, document.ID)
	}
	switch document.Operation {
	case catalog.OperationDelete:
		s.images = slices.Delete(s.images, at, at+1)
		return catalog.Image{}, catalog.OutcomeDeleted, nil
	case catalog.OperationPatch:
		s.images[at].Metadata = fieldsOf(document.Metadata)
		return s.images[at], catalog.OutcomeUpdated, nil
	}
	picture, err := png.DecodeConfig(bytes.NewReader(document.Data))
	if err != nil {
		return catalog.Image{}, "", fmt.Errorf("%w: %w", catalog.ErrPicture, err)
	}
	image := catalog.Image{ID: catalog.ImageID(s.id, uri), Source: catalog.PushedSource, URI: uri, Width: picture.Width, Height: picture.Height, Metadata: fieldsOf(document.Metadata)}
	s.files[image.ID] = document.Data
	if at >= 0 {
		s.images[at] = image
		return image, catalog.OutcomeUpdated, nil
	}
	s.images = append(s.images, image)
	return image, catalog.OutcomeCreated, nil
}

// Known implements web.Documents; it knows none.
func (d documents) Known(_ context.Context, collection string, _ []string) ([]string, error) {
	_, err := d.find(collection)
	return []string{}, err
}

func fieldsOf(text json.RawMessage) map[string]any {
	fields := make(map[string]any)
	_ = json.Unmarshal(text, &fields) // what a test sends
	return fields
}

// Receive implements web.Pushes: it counts lines, and every one of them fails.
func (j *Jobs) Receive(_ context.Context, collection string, lines io.Reader) (catalog.Job, error) {
	body, err := io.ReadAll(lines)
	if err != nil {
		return catalog.Job{}, err
	}
	count := bytes.Count(body, []byte("\n"))
	if count == 0 {
		return catalog.Job{}, indexer.ErrNoLines
	}
	now := time.Now().UTC()
	j.mu.Lock()
	job := catalog.Job{
		ID: "job-" + strconv.Itoa(len(j.jobs)+1), Kind: indexer.JobPush, Collection: collection, State: catalog.JobSucceeded, Params: write(indexer.PushParams{}),
		Progress: write(indexer.PushProgress{Counts: catalog.PushCounts{Total: count, Failed: count}}), Created: now, Started: now, Finished: now,
	}
	j.jobs = append(j.jobs, job)
	j.mu.Unlock()
	return j.publish(job), nil
}

// ReceiveArchive implements web.Pushes: it takes every archive for one picture.
func (j *Jobs) ReceiveArchive(ctx context.Context, collection string, _ io.Reader) (catalog.Job, error) {
	return j.Receive(ctx, collection, strings.NewReader("{}\n"))
}

// ReceiveFiles implements web.Pushes.
func (j *Jobs) ReceiveFiles(ctx context.Context, collection string, next func() (string, []byte, error)) (catalog.Job, error) {
	lines := ""
	for {
		_, _, err := next()
		if errors.Is(err, io.EOF) {
			return j.Receive(ctx, collection, strings.NewReader(lines))
		}
		if err != nil {
			return catalog.Job{}, err
		}
		lines += "{}\n"
	}
}

// With implements web.Pushes. A plan finds one line.
func (j *Jobs) With(options indexer.PushOptions) indexer.Receiver {
	if options.DryRun {
		return planning{j}
	}
	return j
}

// planning answers with plans.
type planning struct{ *Jobs }

// Receive implements indexer.Receiver.
func (p planning) Receive(ctx context.Context, collection string, _ io.Reader) (catalog.Job, error) {
	return p.PlanFolder(ctx, collection, indexer.JobParams{})
}

// ReceiveFrom implements indexer.Receiver.
func (p planning) ReceiveFrom(ctx context.Context, collection string, _ indexer.PushSource) (catalog.Job, error) {
	return p.PlanFolder(ctx, collection, indexer.JobParams{})
}

// PlanFolder implements web.Pushes.
func (j *Jobs) PlanFolder(_ context.Context, collection string, params indexer.JobParams) (catalog.Job, error) {
	now := time.Now().UTC()
	j.mu.Lock()
	job := catalog.Job{
		ID: "job-" + strconv.Itoa(len(j.jobs)+1), Kind: indexer.JobPlan, Collection: collection, State: catalog.JobSucceeded,
		Params:   write(indexer.PlanParams{Folder: &params}),
		Progress: write(indexer.Plan{PlanCounts: indexer.PlanCounts{Total: 1, New: 1, Encode: 1}, Rate: 2, Seconds: 0.5}), Created: now, Started: now, Finished: now,
	}
	j.jobs = append(j.jobs, job)
	j.mu.Unlock()
	return j.publish(job), nil
}

// ReceiveFrom implements web.Pushes: it takes every upload for one picture.
func (j *Jobs) ReceiveFrom(ctx context.Context, collection string, from indexer.PushSource) (catalog.Job, error) {
	if from.Bucket != "" {
		return j.Receive(ctx, collection, strings.NewReader("{}\n"))
	}
	file, err := j.Uploads.Open(ctx, collection, from.Upload)
	if err != nil {
		return catalog.Job{}, err
	}
	return j.Receive(ctx, collection, io.MultiReader(file, strings.NewReader("\n")))
}

// RetryFailed implements web.Pushes.
func (j *Jobs) RetryFailed(ctx context.Context, id string) (catalog.Job, error) {
	items, err := j.Items(ctx, id, catalog.ItemFilter{Limit: 1 << 20})
	if err != nil {
		return catalog.Job{}, err
	}
	job, err := j.Get(ctx, id)
	if err != nil {
		return catalog.Job{}, err
	}
	return j.Receive(ctx, job.Collection, strings.NewReader(strings.Repeat("{}\n", len(items))))
}

// Items implements web.Pushes.
func (j *Jobs) Items(ctx context.Context, id string, filter catalog.ItemFilter) ([]catalog.ItemResult, error) {
	job, err := j.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.Kind != indexer.JobPush {
		return nil, fmt.Errorf("job %s: %w", id, catalog.ErrConflict)
	}
	var progress indexer.PushProgress
	if err := json.Unmarshal(job.Progress, &progress); err != nil {
		return nil, err
	}
	var items []catalog.ItemResult
	for n := filter.After + 1; n <= int64(progress.Counts.Total) && len(items) < filter.Limit; n++ {
		items = append(items, catalog.ItemResult{Number: n, Outcome: catalog.OutcomeFailed, Problem: "invalid-request", Detail: "it is a test"})
	}
	return items, nil
}
