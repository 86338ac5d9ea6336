package webtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// Tasks pretends to index: every task fills its collection with the drawn
// pictures, one each step.
type Tasks struct {
	library *Library
	step    time.Duration

	mu       sync.Mutex
	tasks    []web.Task // oldest first
	stops    map[string]context.CancelFunc
	watchers map[int]func(web.Task)
	next     int
	running  sync.WaitGroup
}

// NewTasks returns tasks that deal with one picture each step.
func NewTasks(library *Library, step time.Duration) *Tasks {
	return &Tasks{
		library: library, step: step,
		stops: make(map[string]context.CancelFunc), watchers: make(map[int]func(web.Task)),
	}
}

// Close cancels what runs and waits for it.
func (t *Tasks) Close() {
	t.mu.Lock()
	for _, stop := range t.stops {
		stop()
	}
	t.mu.Unlock()
	t.running.Wait()
}

// IndexFolder implements web.Tasks.
func (t *Tasks) IndexFolder(_ context.Context, collection, directory string, maxPatches int) (web.Task, error) {
	if maxPatches > MostPatches {
		return web.Task{}, fmt.Errorf("%w: %d patches", catalog.ErrInvalid, maxPatches)
	}
	if maxPatches > 0 {
		t.library.choose(collection, maxPatches)
	}
	t.mu.Lock()
	id := "task-" + strconv.Itoa(len(t.tasks)+1)
	task := web.Task{
		ID: id, Collection: collection, Source: web.Source{Directory: directory},
		Status: web.TaskProcessing, Created: time.Now().UTC(),
		Progress: web.Progress{Total: len(Concepts) * Variants, SecondsLeft: -1},
	}
	task.Started = &task.Created
	t.tasks = append(t.tasks, task)
	ctx, stop := context.WithCancel(context.Background())
	t.stops[id] = stop
	t.mu.Unlock()
	t.publish(task)
	t.running.Add(1)
	go t.work(ctx, task)
	return task, nil
}

// work adds one picture each step; the third cannot be read.
func (t *Tasks) work(ctx context.Context, task web.Task) {
	defer t.running.Done()
	ticker := time.NewTicker(t.step)
	defer ticker.Stop()
	start := time.Now()
	for n := range task.Progress.Total {
		select {
		case <-ctx.Done():
			t.finish(task, web.TaskCanceled)
			return
		case <-ticker.C:
		}
		task.Progress.Done++
		if n == 2 {
			task.Progress.Failed++
			task.Failures = []web.FileFailed{{URI: "file:///pictures/broken.png", Reason: "it ends too early"}}
		} else {
			task.Progress.Indexed++
			t.library.put(task.Collection, n)
		}
		task.Progress.Rate = float64(n+1) / time.Since(start).Seconds()
		task.Progress.SecondsLeft = float64(task.Progress.Total-n-1) / task.Progress.Rate
		t.publish(task)
	}
	t.finish(task, web.TaskSucceeded)
}

func (l *Library) choose(collection string, maxPatches int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shelf(collection).patches = maxPatches
}

func (l *Library) put(collection string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(collection, Concepts[n%len(Concepts)], n/len(Concepts))
}

func (t *Tasks) finish(task web.Task, status web.TaskStatus) {
	now := time.Now().UTC()
	task.Status, task.Finished = status, &now
	t.publish(task)
}

func (t *Tasks) publish(task web.Task) {
	t.mu.Lock()
	for i := range t.tasks {
		if t.tasks[i].ID == task.ID {
			t.tasks[i] = task
		}
	}
	watchers := make([]func(web.Task), 0, len(t.watchers))
	for _, changed := range t.watchers {
		watchers = append(watchers, changed)
	}
	t.mu.Unlock()
	for _, changed := range watchers {
		changed(task)
	}
}

// Tasks implements web.Tasks.
func (t *Tasks) Tasks(context.Context) ([]web.Task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tasks := slices.Clone(t.tasks)
	slices.Reverse(tasks)
	return tasks, nil
}

// Task implements web.Tasks.
func (t *Tasks) Task(_ context.Context, id string) (web.Task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, task := range t.tasks {
		if task.ID == id {
			return task, nil
		}
	}
	return web.Task{}, fmt.Errorf("%w: task %q", catalog.ErrNotFound, id)
}

// Cancel implements web.Tasks.
func (t *Tasks) Cancel(ctx context.Context, id string) (web.Task, error) {
	task, err := t.Task(ctx, id)
	if err == nil {
		t.mu.Lock()
		t.stops[id]()
		t.mu.Unlock()
	}
	return task, err
}

// Watch implements web.Tasks.
func (t *Tasks) Watch(changed func(web.Task)) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.next
	t.next++
	t.watchers[n] = changed
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.watchers, n)
	}
}
