package main

import (
	"context"
	"encoding/json"
	"sync"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

// listedJobs is how many jobs the page shows.
const listedJobs = 100

// webJobs shows the indexer's tasks to web, which calls them jobs.
type webJobs struct{ tasks *indexer.Tasks }

// IndexFolder implements web.Jobs.
func (j webJobs) IndexFolder(ctx context.Context, collection, directory string, maxPatches int) (web.Job, error) {
	task, err := j.tasks.Enqueue(ctx, indexer.TaskIndex, collection, indexer.TaskParams{Directory: directory, MaxPatches: maxPatches})
	return newWebJob(task), err
}

// Jobs implements web.Jobs.
func (j webJobs) Jobs(ctx context.Context) ([]web.Job, error) {
	found, err := j.tasks.List(ctx, "", "", listedJobs)
	if err != nil {
		return nil, err
	}
	jobs := make([]web.Job, len(found))
	for i, task := range found {
		jobs[i] = newWebJob(task)
	}
	return jobs, nil
}

// Job implements web.Jobs.
func (j webJobs) Job(ctx context.Context, id string) (web.Job, error) {
	task, err := j.tasks.Get(ctx, id)
	return newWebJob(task), err
}

// Cancel implements web.Jobs.
func (j webJobs) Cancel(ctx context.Context, id string) (web.Job, error) {
	if err := j.tasks.Cancel(ctx, id); err != nil {
		return web.Job{}, err
	}
	return j.Job(ctx, id)
}

// Watch implements web.Jobs. A subscription that was dropped because changed
// was slow is taken up again with the present state of all jobs.
func (j webJobs) Watch(changed func(web.Job)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			if !j.follow(ctx, changed) {
				return
			}
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

// changes holds a value after any job has changed, until stop is called.
func (j webJobs) changes() (changed <-chan struct{}, stop func()) {
	pending := make(chan struct{}, 1)
	return pending, j.Watch(func(web.Job) {
		select {
		case pending <- struct{}{}:
		default:
		}
	})
}

// follow passes on events until ctx ends or the subscription does; it answers
// whether another one makes sense.
func (j webJobs) follow(ctx context.Context, changed func(web.Job)) bool {
	subscription := j.tasks.Subscribe()
	defer subscription.Close()
	delivered := false
	for {
		select {
		case <-ctx.Done():
			return false
		case task, open := <-subscription.C:
			if !open {
				return delivered && j.refresh(ctx, changed)
			}
			delivered = true
			changed(newWebJob(task))
		}
	}
}

// refresh tells the state of every job, oldest first.
func (j webJobs) refresh(ctx context.Context, changed func(web.Job)) bool {
	jobs, err := j.Jobs(ctx)
	for i := len(jobs) - 1; i >= 0; i-- {
		changed(jobs[i])
	}
	return err == nil
}

func newWebJob(task catalog.Task) web.Job {
	var params indexer.TaskParams
	var report indexer.Report                  // its beginning is a Progress
	_ = json.Unmarshal(task.Params, &params)   // written by the indexer itself
	_ = json.Unmarshal(task.Progress, &report) // likewise
	failures := make([]web.FileFailed, 0, len(report.Failures))
	for _, failure := range report.Failures {
		failures = append(failures, web.FileFailed{URI: failure.URI, Reason: failure.Reason})
	}
	converted := web.Job{
		ID: task.ID, Collection: task.Collection, Source: web.Source{Directory: params.Directory},
		State: jobState(task.State), Error: task.Error, Progress: newWebProgress(report.Progress),
		Failures: failures, Created: task.Created,
	}
	if !task.Started.IsZero() {
		converted.Started = &task.Started
	}
	if !task.Finished.IsZero() {
		converted.Finished = &task.Finished
	}
	return converted
}

// jobState is a state of the catalogue in the words of the API.
func jobState(state catalog.TaskState) web.JobState {
	switch state {
	case catalog.TaskEnqueued:
		return web.JobQueued
	case catalog.TaskProcessing:
		return web.JobRunning
	}
	return web.JobState(state) // the final ones have the same names
}

func newWebProgress(p indexer.Progress) web.Progress {
	left := p.RemainingSeconds
	if left == 0 && p.State != indexer.StateDone {
		left = -1 // unknown
	}
	return web.Progress{
		Total: p.Total, Done: p.Done, Indexed: p.Encoded + p.Reused, Unchanged: p.Skipped,
		Removed: p.Removed, Failed: p.Failed, Rate: p.Rate, SecondsLeft: left,
	}
}
