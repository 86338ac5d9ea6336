package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// retryDispatch is how long the dispatcher waits after the catalogue failed.
const retryDispatch = 5 * time.Second

// dispatch starts tasks until ctx ends, and then waits for them.
func (t *Tasks) dispatch(ctx context.Context) {
	defer close(t.done)
	var group sync.WaitGroup
	defer group.Wait()
	for {
		var again <-chan time.Time
		if err := t.startWaiting(ctx, &group); err != nil && ctx.Err() == nil {
			t.log.Error("cannot start tasks, trying again", "error", err)
			again = time.After(retryDispatch)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-again:
		}
	}
}

// startWaiting starts enqueued tasks as far as there is room.
func (t *Tasks) startWaiting(ctx context.Context, group *sync.WaitGroup) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	waiting, err := t.store.TasksIn(ctx, catalog.TaskEnqueued)
	if err != nil {
		return err
	}
	for _, task := range waiting {
		if !t.hasRoom(task.Collection) {
			continue
		}
		if err := t.start(ctx, group, task); err != nil {
			return err
		}
	}
	return nil
}

// start registers the task before it moves, so that Cancel finds it in one
// place or the other.
func (t *Tasks) start(ctx context.Context, group *sync.WaitGroup, task catalog.Task) error {
	work, cancel := context.WithCancelCause(ctx)
	running := &runningTask{task: task, saved: time.Now(), cancel: cancel}
	running.task.State, running.task.Started = catalog.TaskProcessing, time.Now().UTC()
	t.mu.Lock()
	t.running[task.ID] = running
	t.mu.Unlock()
	err := t.store.MoveTask(ctx, task.ID, catalog.TaskEnqueued, catalog.TaskProcessing, "")
	if err != nil {
		cancel(nil)
		t.forget(task.ID)
		if errors.Is(err, catalog.ErrConflict) {
			return nil // canceled a moment ago
		}
		return err
	}
	t.events.publish(running.task)
	group.Go(func() {
		defer cancel(nil)
		err := t.perform(work, task)
		t.finish(context.WithoutCancel(ctx), task, err, context.Cause(work))
	})
	return nil
}

func (t *Tasks) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, id)
}

func (t *Tasks) hasRoom(collection string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.running {
		if r.task.Collection == collection {
			return false
		}
	}
	return len(t.running) < t.parallel
}

func (t *Tasks) perform(ctx context.Context, task catalog.Task) error {
	var params TaskParams
	if err := json.Unmarshal(task.Params, &params); err != nil {
		return fmt.Errorf("parameters of the task: %w", err)
	}
	switch task.Kind {
	case TaskIndex:
		directory, err := source.NewDirectory(params.Directory)
		if err != nil {
			return err
		}
		report, err := t.indexer.Run(ctx, Request{
			Collection: task.Collection, Source: directory,
			RetryFailed: params.RetryFailed, MaxPatches: params.MaxPatches,
		}, func(p Progress) { t.setProgress(ctx, task.ID, p) })
		t.endProgress(task.ID, report)
		return err
	case TaskCheck, TaskRebuild:
		check := t.indexer.Check
		if task.Kind == TaskRebuild {
			check = t.indexer.Rebuild
		}
		report, err := check(ctx, task.Collection)
		t.endProgress(task.ID, report)
		return err
	}
	return fmt.Errorf("this program does not know tasks of kind %q", task.Kind)
}

// setProgress tells of progress always and saves it now and then.
func (t *Tasks) setProgress(ctx context.Context, id string, progress Progress) {
	t.mu.Lock()
	r := t.running[id]
	r.task.Progress = marshal(progress)
	task, save := r.task, time.Since(r.saved) > saveProgressEvery
	if save {
		r.saved = time.Now()
	}
	t.mu.Unlock()
	t.events.publish(task)
	if !save {
		return
	}
	if err := t.store.SaveTaskProgress(ctx, id, progress); err != nil && ctx.Err() == nil {
		t.log.Warn("cannot save progress of task", "task", id, "error", err)
	}
}

func (t *Tasks) endProgress(id string, report any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running[id].task.Progress = marshal(report)
}

// finish writes the final state. An interrupted task goes back to the queue.
func (t *Tasks) finish(ctx context.Context, task catalog.Task, err, cause error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	state, reason := catalog.TaskSucceeded, ""
	switch {
	case err == nil:
	case errors.Is(cause, errCanceled):
		state = catalog.TaskCanceled
	case errors.Is(cause, errStopping):
		state = catalog.TaskEnqueued
	default:
		state, reason = catalog.TaskFailed, err.Error()
		t.log.Error("task failed", "task", task.ID, "kind", task.Kind, "collection", task.Collection, "error", err)
	}
	t.mu.Lock()
	progress := t.running[task.ID].task.Progress
	t.mu.Unlock()
	saveErr := t.store.SaveTaskProgress(ctx, task.ID, progress)
	moveErr := t.store.MoveTask(ctx, task.ID, catalog.TaskProcessing, state, reason)
	if err := errors.Join(saveErr, moveErr); err != nil {
		t.log.Error("cannot save the end of a task", "task", task.ID, "error", err)
	}
	t.forget(task.ID)
	t.publish(ctx, task.ID)
	t.poke()
}
