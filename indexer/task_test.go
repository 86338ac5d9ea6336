package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// startTasks starts a manager over a bench and stops it at the end of the test.
func startTasks(t *testing.T, b *bench) *Tasks {
	t.Helper()
	tasks := NewTasks(b.store, b.Indexer, 2, nil)
	if err := tasks.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopTasks(t, tasks) })
	return tasks
}

func stopTasks(t *testing.T, tasks *Tasks) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := tasks.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// waitFor waits until a task is in a state.
func waitFor(t *testing.T, tasks *Tasks, id string, want catalog.TaskState) catalog.Task {
	t.Helper()
	var task catalog.Task
	for range 1000 {
		var err error
		if task, err = tasks.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if task.State == want {
			return task
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("task is %+v, want it %s", task, want)
	return task
}

func enqueue(t *testing.T, tasks *Tasks, b *bench, collection string) catalog.Task {
	t.Helper()
	task, err := tasks.Enqueue(t.Context(), TaskIndex, collection, TaskParams{Directory: b.folder})
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func fill(t *testing.T, b *bench, n int) {
	t.Helper()
	files := make(map[string][]byte)
	for i := range n {
		files[fmt.Sprintf("%03d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
}

func TestTaskRunsAndTells(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 50 * time.Millisecond
	fill(t, b, 30)
	tasks := startTasks(t, b)
	events := tasks.Subscribe()
	defer events.Close()
	task := enqueue(t, tasks, b, "c")
	seen := make(map[catalog.TaskState]int)
	for changed := range events.C {
		if changed.ID != task.ID {
			t.Errorf("told of task %s", changed.ID)
		}
		seen[changed.State]++
		if changed.State.Finished() {
			break
		}
	}
	if seen[catalog.TaskEnqueued] != 1 || seen[catalog.TaskProcessing] < 3 || seen[catalog.TaskSucceeded] != 1 {
		t.Errorf("told of states %v", seen)
	}
	ended := waitFor(t, tasks, task.ID, catalog.TaskSucceeded)
	var report Report
	if err := json.Unmarshal(ended.Progress, &report); err != nil || report.Encoded != 30 || report.State != StateDone {
		t.Errorf("progress %s, %v", ended.Progress, err)
	}
	if list, err := tasks.List(t.Context(), "c", "", 10); err != nil || len(list) != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	check, err := tasks.Enqueue(t.Context(), TaskCheck, "c", TaskParams{})
	if err != nil {
		t.Fatal(err)
	}
	if ended := waitFor(t, tasks, check.ID, catalog.TaskSucceeded); string(ended.Progress) != `{"images":30,"missing":0,"extra":0,"repaired":0}` {
		t.Errorf("check: %s", ended.Progress)
	}
}

func TestTasksOfACollectionQueue(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 30 * time.Millisecond
	fill(t, b, 16)
	tasks := startTasks(t, b)
	first, second, other := enqueue(t, tasks, b, "c"), enqueue(t, tasks, b, "c"), enqueue(t, tasks, b, "d")
	waitFor(t, tasks, first.ID, catalog.TaskProcessing)
	waitFor(t, tasks, other.ID, catalog.TaskProcessing)
	if waiting := waitFor(t, tasks, second.ID, catalog.TaskEnqueued); !waiting.Started.IsZero() {
		t.Errorf("two tasks of one collection ran at once: %+v", waiting)
	}
	done := waitFor(t, tasks, first.ID, catalog.TaskSucceeded)
	next := waitFor(t, tasks, second.ID, catalog.TaskSucceeded)
	if next.Started.Before(done.Finished) {
		t.Errorf("the second began %v, before the first ended %v", next.Started, done.Finished)
	}
	waitFor(t, tasks, other.ID, catalog.TaskSucceeded)
}

func TestTaskCancel(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = time.Minute
	fill(t, b, 16)
	tasks := startTasks(t, b)
	running, waiting := enqueue(t, tasks, b, "c"), enqueue(t, tasks, b, "c")
	waitFor(t, tasks, running.ID, catalog.TaskProcessing)
	for _, id := range []string{waiting.ID, running.ID} {
		if err := tasks.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		waitFor(t, tasks, id, catalog.TaskCanceled)
	}
	if err := tasks.Cancel(t.Context(), running.ID); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("canceled twice: got %v, want ErrConflict", err)
	}
	if err := tasks.Cancel(t.Context(), "unknown"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown task: got %v, want ErrNotFound", err)
	}
}

func TestTasksGoOnAfterRestart(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 40 * time.Millisecond
	fill(t, b, 40)
	tasks := NewTasks(b.store, b.Indexer, 1, nil)
	if err := tasks.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := tasks.Subscribe()
	task := enqueue(t, tasks, b, "c")
	waitFor(t, tasks, task.ID, catalog.TaskProcessing)
	time.Sleep(100 * time.Millisecond)
	stopTasks(t, tasks)
	for range events.C { // ends: Stop closes subscriptions
	}
	if stopped, err := b.store.Task(t.Context(), task.ID); err != nil || stopped.State != catalog.TaskEnqueued {
		t.Errorf("after Stop: %+v, %v; want it enqueued", stopped, err)
	}
	// A crash would have left it processing.
	if err := b.store.MoveTask(t.Context(), task.ID, catalog.TaskEnqueued, catalog.TaskProcessing, ""); err != nil {
		t.Fatal(err)
	}
	waitFor(t, startTasks(t, b), task.ID, catalog.TaskSucceeded)
	b.wantMirror(t)
	if b.encoder.encoded() > 40+4 {
		t.Errorf("encoded %d pictures, want at most one batch more than 40", b.encoder.encoded())
	}
}

func TestTaskFails(t *testing.T) {
	b := newBench(t, Options{})
	fill(t, b, 1)
	b.index.setDown(errors.New("dimension mismatch"))
	tasks := startTasks(t, b)
	if task := waitFor(t, tasks, enqueue(t, tasks, b, "c").ID, catalog.TaskFailed); task.Error == "" || task.Finished.IsZero() {
		t.Errorf("got %+v, want a reason", task)
	}
	for name, test := range map[string]struct {
		kind, collection string
		params           TaskParams
		want             error
	}{
		"folder":     {TaskIndex, "c", TaskParams{Directory: b.folder + "/missing"}, catalog.ErrInvalid},
		"name":       {TaskIndex, "C", TaskParams{Directory: b.folder}, catalog.ErrInvalid},
		"kind":       {"bake", "c", TaskParams{}, catalog.ErrInvalid},
		"collection": {TaskCheck, "unknown", TaskParams{}, catalog.ErrNotFound},
	} {
		if _, err := tasks.Enqueue(t.Context(), test.kind, test.collection, test.params); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func TestSlowSubscriberIsDropped(t *testing.T) {
	var e events
	slow, quick := e.subscribe(), e.subscribe()
	for i := range eventBuffer + 1 {
		e.publish(catalog.Task{ID: fmt.Sprint(i)})
		<-quick.C
	}
	n := 0
	for range slow.C {
		n++
	}
	if n != eventBuffer {
		t.Errorf("the slow subscriber got %d events before it was dropped, want %d", n, eventBuffer)
	}
	slow.Close()
	e.publish(catalog.Task{ID: "last"})
	if task := <-quick.C; task.ID != "last" {
		t.Errorf("the quick subscriber got %+v", task)
	}
	e.close()
	quick.Close()
	if _, open := <-e.subscribe().C; open {
		t.Error("a subscription after the end stays open")
	}
}
