package main

import (
	"context"
	"encoding/json"
	"sync"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

// listedTasks is how many tasks the page shows.
const listedTasks = 100

// webTasks shows the indexer's tasks to web.
type webTasks struct{ tasks *indexer.Tasks }

// IndexFolder implements web.Tasks.
func (t webTasks) IndexFolder(ctx context.Context, collection, directory string, maxPatches int) (web.Task, error) {
	task, err := t.tasks.Enqueue(ctx, indexer.TaskIndex, collection, indexer.TaskParams{Directory: directory, MaxPatches: maxPatches})
	return newWebTask(task), err
}

// Tasks implements web.Tasks.
func (t webTasks) Tasks(ctx context.Context) ([]web.Task, error) {
	found, err := t.tasks.List(ctx, "", "", listedTasks)
	if err != nil {
		return nil, err
	}
	tasks := make([]web.Task, len(found))
	for i, task := range found {
		tasks[i] = newWebTask(task)
	}
	return tasks, nil
}

// Task implements web.Tasks.
func (t webTasks) Task(ctx context.Context, id string) (web.Task, error) {
	task, err := t.tasks.Get(ctx, id)
	return newWebTask(task), err
}

// Cancel implements web.Tasks.
func (t webTasks) Cancel(ctx context.Context, id string) (web.Task, error) {
	if err := t.tasks.Cancel(ctx, id); err != nil {
		return web.Task{}, err
	}
	return t.Task(ctx, id)
}

// Watch implements web.Tasks. A subscription that was dropped because changed
// was slow is taken up again with the present state of all tasks.
func (t webTasks) Watch(changed func(web.Task)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			if !t.follow(ctx, changed) {
				return
			}
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

// changes holds a value after any task has changed, until stop is called.
func (t webTasks) changes() (changed <-chan struct{}, stop func()) {
	pending := make(chan struct{}, 1)
	return pending, t.Watch(func(web.Task) {
		select {
		case pending <- struct{}{}:
		default:
		}
	})
}

// follow passes on events until ctx ends or the subscription does; it answers
// whether another one makes sense.
func (t webTasks) follow(ctx context.Context, changed func(web.Task)) bool {
	subscription := t.tasks.Subscribe()
	defer subscription.Close()
	delivered := false
	for {
		select {
		case <-ctx.Done():
			return false
		case task, open := <-subscription.C:
			if !open {
				return delivered && t.refresh(ctx, changed)
			}
			delivered = true
			changed(newWebTask(task))
		}
	}
}

// refresh tells the state of every task, oldest first.
func (t webTasks) refresh(ctx context.Context, changed func(web.Task)) bool {
	tasks, err := t.Tasks(ctx)
	for i := len(tasks) - 1; i >= 0; i-- {
		changed(tasks[i])
	}
	return err == nil
}

func newWebTask(task catalog.Task) web.Task {
	var params indexer.TaskParams
	var report indexer.Report                  // its beginning is a Progress
	_ = json.Unmarshal(task.Params, &params)   // written by the indexer itself
	_ = json.Unmarshal(task.Progress, &report) // likewise
	failures := make([]web.FileFailed, 0, len(report.Failures))
	for _, failure := range report.Failures {
		failures = append(failures, web.FileFailed{URI: failure.URI, Reason: failure.Reason})
	}
	converted := web.Task{
		ID: task.ID, Collection: task.Collection, Source: web.Source{Directory: params.Directory},
		Status: web.TaskStatus(task.State), Error: task.Error, Progress: newWebProgress(report.Progress),
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
