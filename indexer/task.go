package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
)

// Kinds of tasks.
const (
	TaskIndex   = "index"   // Run over a directory
	TaskCheck   = "check"   // Check
	TaskRebuild = "rebuild" // Rebuild
)

// TaskParams says what a task is to do.
type TaskParams struct {
	Directory   string `json:"directory,omitempty"` // of an index task
	RetryFailed bool   `json:"retry_failed,omitempty"`
	MaxPatches  int    `json:"max_patches,omitempty"` // see Request; of an index task
}

const (
	saveProgressEvery = 2 * time.Second
	keepFinished      = 30 * 24 * time.Hour
)

var (
	errCanceled = errors.New("canceled")
	errStopping = errors.New("stopping")
)

// Tasks runs index tasks in the background, oldest first, one at a time for
// each collection. What it was doing when the process ended goes on after
// Start.
type Tasks struct {
	store    *database.Store
	indexer  *Indexer
	parallel int
	log      *slog.Logger
	events   events
	wake     chan struct{} // capacity 1
	done     chan struct{} // closed when the dispatcher has ended

	mu      sync.Mutex
	stop    context.CancelCauseFunc // nil until Start
	running map[string]*runningTask // by ID
}

type runningTask struct {
	task   catalog.Task // with the latest progress
	saved  time.Time
	cancel context.CancelCauseFunc
}

// NewTasks makes a manager that runs up to parallel tasks at once, at least
// one.
func NewTasks(store *database.Store, indexer *Indexer, parallel int, log *slog.Logger) *Tasks {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Tasks{
		store: store, indexer: indexer, parallel: max(1, parallel), log: log,
		wake: make(chan struct{}, 1), done: make(chan struct{}), running: make(map[string]*runningTask),
	}
}

// Start enqueues again what a crash has left processing and begins to work.
// It is called once. ctx bounds the start only; Stop ends the work.
func (t *Tasks) Start(ctx context.Context) error {
	left, err := t.store.TasksIn(ctx, catalog.TaskProcessing)
	if err != nil {
		return err
	}
	for _, task := range left {
		t.log.Info("going on with a task that was interrupted", "task", task.ID, "collection", task.Collection)
		if err := t.store.MoveTask(ctx, task.ID, catalog.TaskProcessing, catalog.TaskEnqueued, ""); err != nil {
			return err
		}
	}
	if err := t.store.DeleteTasks(ctx, time.Now().Add(-keepFinished)); err != nil {
		return err
	}
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	t.mu.Lock()
	t.stop = stop
	t.mu.Unlock()
	go t.dispatch(work)
	t.poke()
	return nil
}

// Stop interrupts the running tasks, waits until they have ended or ctx ends,
// and closes all subscriptions. Interrupted tasks go on after the next Start.
func (t *Tasks) Stop(ctx context.Context) error {
	t.mu.Lock()
	stop := t.stop
	t.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop(errStopping)
	select {
	case <-ctx.Done():
		return fmt.Errorf("tasks have not ended: %w", ctx.Err())
	case <-t.done:
		t.events.close()
		return nil
	}
}

// Enqueue adds a task. An index task is refused with catalog.ErrInvalid when
// its directory cannot be read or the model cannot cut pictures as it asks.
func (t *Tasks) Enqueue(ctx context.Context, kind, collection string, params TaskParams) (catalog.Task, error) {
	if err := catalog.ValidateCollectionName(collection); err != nil {
		return catalog.Task{}, err
	}
	switch kind {
	case TaskIndex:
		if _, err := source.NewDirectory(params.Directory); err != nil {
			return catalog.Task{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
		}
		if err := t.indexer.CheckMaxPatches(params.MaxPatches); err != nil {
			return catalog.Task{}, err
		}
	case TaskCheck, TaskRebuild:
		if _, err := t.store.Collection(ctx, collection); err != nil {
			return catalog.Task{}, err
		}
	default:
		return catalog.Task{}, fmt.Errorf("task kind %.40q is %w: use %s, %s or %s", kind, catalog.ErrInvalid, TaskIndex, TaskCheck, TaskRebuild)
	}
	task, err := t.store.CreateTask(ctx, kind, collection, params)
	if err != nil {
		return catalog.Task{}, err
	}
	t.events.publish(task)
	t.poke()
	return task, nil
}

// Get returns a task with its latest progress, or catalog.ErrNotFound.
func (t *Tasks) Get(ctx context.Context, id string) (catalog.Task, error) {
	task, err := t.store.Task(ctx, id)
	return t.latest(task), err
}

// List returns up to limit tasks, newest first, beginning before the task with
// ID before. An empty collection means all.
func (t *Tasks) List(ctx context.Context, collection, before string, limit int) ([]catalog.Task, error) {
	tasks, err := t.store.Tasks(ctx, collection, before, limit)
	for i := range tasks {
		tasks[i] = t.latest(tasks[i])
	}
	return tasks, err
}

// latest overlays the progress that is not saved yet.
func (t *Tasks) latest(task catalog.Task) catalog.Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.running[task.ID]; r != nil && task.State == catalog.TaskProcessing {
		task.Progress = r.task.Progress
	}
	return task
}

// Cancel ends a task that waits or runs; a running one is canceled a moment
// later. catalog.ErrConflict when it has ended already.
func (t *Tasks) Cancel(ctx context.Context, id string) error {
	err := t.store.MoveTask(ctx, id, catalog.TaskEnqueued, catalog.TaskCanceled, "")
	if err == nil {
		t.publish(ctx, id)
		return nil
	}
	if !errors.Is(err, catalog.ErrConflict) {
		return err
	}
	t.mu.Lock()
	r := t.running[id]
	t.mu.Unlock()
	if r != nil {
		r.cancel(errCanceled)
		return nil
	}
	task, err := t.store.Task(ctx, id)
	if err != nil {
		return err
	}
	return fmt.Errorf("task %s is %s already: %w", id, task.State, catalog.ErrConflict)
}

// Subscribe delivers every change of a task from now on.
func (t *Tasks) Subscribe() *Subscription { return t.events.subscribe() }

func (t *Tasks) publish(ctx context.Context, id string) {
	task, err := t.store.Task(ctx, id)
	if err != nil {
		t.log.Error("cannot read task to tell of it", "task", id, "error", err)
		return
	}
	t.events.publish(task)
}

func (t *Tasks) poke() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func marshal(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil { // numbers and texts only: cannot happen
		return json.RawMessage("{}")
	}
	return data
}
