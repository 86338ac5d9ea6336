package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
	"polylens/internal/disk"
	"polylens/internal/disktest"
)

// eventually asks until an answer is right.
func eventually(t *testing.T, what string, right func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !right(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

// onSmallDisk runs a test with a worker whose catalogue stands on a small disk.
func onSmallDisk(t *testing.T, kind jobs.Kind, room func(folder string) error, test func(t *testing.T, d disktest.Disk, queue *jobs.Queue)) {
	disktest.Run(t, 32<<20, func(t *testing.T, d disktest.Disk) {
		store, err := database.Open(t.Context(), filepath.Join(d.Folder, "catalogue.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		queue, err := jobs.New(store.Jobs(nil), kind)
		if err != nil {
			t.Fatal(err)
		}
		settings := quick
		settings.Alone, settings.Room = true, func() error { return room(d.Folder) }
		worker := jobs.NewWorker(queue, settings)
		worker.Start(t.Context())
		test(t, d, queue)
		d.Leave(t, 32<<20)
		if err := worker.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func anyRoom(string) error { return nil }

// get reads a job, which a full disk must not prevent.
func get(t *testing.T, queue *jobs.Queue, id string) catalog.Job {
	t.Helper()
	job, err := queue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func enqueue(t *testing.T, queue *jobs.Queue) catalog.Job {
	t.Helper()
	job, err := queue.Enqueue(t.Context(), jobs.Order{Kind: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// fillUp leaves no room for the catalogue, also not in what it has taken before.
func fillUp(t *testing.T, d disktest.Disk, queue *jobs.Queue) {
	t.Helper()
	d.Leave(t, 0)
	for range 10_000 {
		_, err := queue.Enqueue(t.Context(), jobs.Order{Kind: "a", Params: strings.Repeat("x", 50_000), RunAfter: time.Now().Add(time.Hour)})
		if disk.IsFull(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the disk does not fill up")
}

// A job that runs while the disk of the catalogue fills up says so, can be canceled,
// and is canceled in the catalogue once there is room. So is one that waits.
func TestFullDiskIsToldAndCancelHeard(t *testing.T) {
	t.Parallel()
	causes := make(chan error, 1)
	kind := jobs.Kind{Name: "a", PerProcess: 1, Waits: true, Handle: func(ctx context.Context, r *jobs.Running) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}}
	onSmallDisk(t, kind, anyRoom, func(t *testing.T, d disktest.Disk, queue *jobs.Queue) {
		running := enqueue(t, queue)
		waiting := enqueue(t, queue)
		eventually(t, "the job runs", func() bool { return get(t, queue, running.ID).State == catalog.JobRunning })
		fillUp(t, d, queue)
		eventually(t, "the job says that the disk is full", func() bool {
			return strings.Contains(get(t, queue, running.ID).Problem, "disk full") && strings.Contains(get(t, queue, running.ID).Problem, d.Folder)
		})
		for _, id := range []string{running.ID, waiting.ID} {
			job, err := queue.Cancel(t.Context(), id)
			written := job.State == catalog.JobCanceled || job.Wanted == catalog.JobCanceled // it found a place
			if err != nil || !written && !strings.Contains(job.Problem, "canceled") {
				t.Errorf("canceled on a full disk: %+v, %v", job, err)
			}
		}
		select {
		case cause := <-causes:
			if !errors.Is(cause, jobs.ErrCanceled) && !errors.Is(cause, catalog.ErrLeaseLost) {
				t.Errorf("the handler ended by %v", cause)
			}
		case <-time.After(time.Minute):
			t.Fatal("the handler was not ended")
		}
		d.Leave(t, 16<<20)
		for _, id := range []string{running.ID, waiting.ID} {
			eventually(t, "what was wanted is written", func() bool { return get(t, queue, id).State == catalog.JobCanceled })
			if job := get(t, queue, id); job.Problem != "" {
				t.Errorf("after there was room: %+v", job)
			}
		}
	})
}

// large writes more than a small disk holds, into a folder that is set.
func large(folder *atomic.Value, tries *atomic.Int32, tidy bool) jobs.Kind {
	folder.Store("")
	return jobs.Kind{Name: "a", Waits: true, Handle: func(context.Context, *jobs.Running) error {
		tries.Add(1)
		path := filepath.Join(folder.Load().(string), "large")
		err := os.WriteFile(path, make([]byte, 40<<20), 0o600)
		if err != nil && tidy {
			return errors.Join(err, os.Remove(path))
		}
		return err
	}}
}

// A job that ends for want of room waits with that reason, and goes on by itself.
func TestJobWaitsForRoom(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	var folder atomic.Value
	onSmallDisk(t, large(&folder, &tries, true), anyRoom, func(t *testing.T, d disktest.Disk, queue *jobs.Queue) {
		folder.Store(d.Folder)
		job := enqueue(t, queue)
		eventually(t, "the job waits", func() bool {
			now := get(t, queue, job.ID)
			return now.State == catalog.JobQueued && strings.Contains(now.Problem, "no space left") && now.Failures == 0
		})
		d.Leave(t, 64<<20)
		eventually(t, "the job goes on", func() bool { return get(t, queue, job.ID).State == catalog.JobSucceeded })
		if now := get(t, queue, job.ID); tries.Load() < 2 || now.Error != "" || now.Problem != "" || now.Losses > 0 {
			t.Errorf("after %d tries: %+v", tries.Load(), now)
		}
	})
}

// A job that leaves no room even for the note of its end says so all the same, and goes
// on by itself.
func TestEndThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	var folder atomic.Value
	onSmallDisk(t, large(&folder, &tries, false), anyRoom, func(t *testing.T, d disktest.Disk, queue *jobs.Queue) {
		folder.Store(d.Folder)
		job := enqueue(t, queue)
		eventually(t, "the job says why it does not end", func() bool {
			return strings.Contains(get(t, queue, job.ID).Problem, "disk full")
		})
		d.Leave(t, 64<<20)
		eventually(t, "the job goes on", func() bool { return get(t, queue, job.ID).State == catalog.JobSucceeded })
		if now := get(t, queue, job.ID); tries.Load() < 2 || now.Problem != "" {
			t.Errorf("after %d tries: %+v", tries.Load(), now)
		}
	})
}

// No job begins while there is too little room, and the jobs say why.
func TestNoJobBeginsWithoutRoom(t *testing.T) {
	t.Parallel()
	kind := jobs.Kind{Name: "a", Handle: func(context.Context, *jobs.Running) error { return nil }}
	room := func(folder string) error { return disk.Check(folder, 24<<20) }
	onSmallDisk(t, kind, room, func(t *testing.T, d disktest.Disk, queue *jobs.Queue) {
		d.Leave(t, 4<<20)
		job := enqueue(t, queue)
		eventually(t, "the job says what it waits for", func() bool {
			now := get(t, queue, job.ID)
			return now.State == catalog.JobQueued && strings.Contains(now.Problem, "disk full") && strings.Contains(now.Problem, "25 MB are needed")
		})
		listed, err := queue.List(t.Context(), catalog.JobFilter{})
		if err != nil || len(listed) != 1 || listed[0].Problem == "" {
			t.Errorf("listed: %+v, %v", listed, err)
		}
		d.Leave(t, 32<<20)
		eventually(t, "the job is done", func() bool { return get(t, queue, job.ID).State == catalog.JobSucceeded })
	})
}

// Whoever runs no jobs can promise nothing: the order fails.
func TestCancelWithoutWorkerFailsOnFullDisk(t *testing.T) {
	t.Parallel()
	disktest.Run(t, 32<<20, func(t *testing.T, d disktest.Disk) {
		store, err := database.Open(t.Context(), filepath.Join(d.Folder, "catalogue.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		queue, err := jobs.New(store.Jobs(nil), jobs.Kind{Name: "a", Handle: succeed})
		if err != nil {
			t.Fatal(err)
		}
		job := enqueue(t, queue)
		fillUp(t, d, queue)
		if _, err := queue.Cancel(t.Context(), job.ID); !errors.Is(err, disk.ErrFull) || !strings.Contains(fmt.Sprint(err), "make room") {
			t.Errorf("canceled: %v", err)
		}
		if now := get(t, queue, job.ID); now.State != catalog.JobQueued {
			t.Errorf("the job is %s", now.State)
		}
	})
}
