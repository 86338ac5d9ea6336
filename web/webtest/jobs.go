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

// Jobs pretends to index: every job fills its collection with the drawn
// pictures, one each step.
type Jobs struct {
	library *Library
	step    time.Duration

	mu       sync.Mutex
	jobs     []web.Job // oldest first
	stops    map[string]context.CancelFunc
	watchers map[int]func(web.Job)
	next     int
	running  sync.WaitGroup
}

// NewJobs returns jobs that deal with one picture each step.
func NewJobs(library *Library, step time.Duration) *Jobs {
	return &Jobs{
		library: library, step: step,
		stops: make(map[string]context.CancelFunc), watchers: make(map[int]func(web.Job)),
	}
}

// Close cancels what runs and waits for it.
func (j *Jobs) Close() {
	j.mu.Lock()
	for _, stop := range j.stops {
		stop()
	}
	j.mu.Unlock()
	j.running.Wait()
}

// IndexFolder implements web.Jobs.
func (j *Jobs) IndexFolder(_ context.Context, collection, directory string, maxPatches int) (web.Job, error) {
	if maxPatches > MostPatches {
		return web.Job{}, fmt.Errorf("%w: %d patches", catalog.ErrInvalid, maxPatches)
	}
	if maxPatches > 0 {
		j.library.choose(collection, maxPatches)
	}
	j.mu.Lock()
	id := "job-" + strconv.Itoa(len(j.jobs)+1)
	job := web.Job{
		ID: id, Collection: collection, Source: web.Source{Directory: directory},
		State: web.JobRunning, Created: time.Now().UTC(),
		Progress: web.Progress{Total: len(Concepts) * Variants, SecondsLeft: -1},
	}
	job.Started = &job.Created
	j.jobs = append(j.jobs, job)
	ctx, stop := context.WithCancel(context.Background())
	j.stops[id] = stop
	j.mu.Unlock()
	j.publish(job)
	j.running.Add(1)
	go j.work(ctx, job)
	return job, nil
}

// work adds one picture each step; the third cannot be read.
func (j *Jobs) work(ctx context.Context, job web.Job) {
	defer j.running.Done()
	ticker := time.NewTicker(j.step)
	defer ticker.Stop()
	start := time.Now()
	for n := range job.Progress.Total {
		select {
		case <-ctx.Done():
			j.finish(job, web.JobCanceled)
			return
		case <-ticker.C:
		}
		job.Progress.Done++
		if n == 2 {
			job.Progress.Failed++
			job.Failures = []web.FileFailed{{URI: "file:///pictures/broken.png", Reason: "it ends too early"}}
		} else {
			job.Progress.Indexed++
			j.library.put(job.Collection, n)
		}
		job.Progress.Rate = float64(n+1) / time.Since(start).Seconds()
		job.Progress.SecondsLeft = float64(job.Progress.Total-n-1) / job.Progress.Rate
		j.publish(job)
	}
	j.finish(job, web.JobSucceeded)
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

func (j *Jobs) finish(job web.Job, state web.JobState) {
	now := time.Now().UTC()
	job.State, job.Finished = state, &now
	j.publish(job)
}

func (j *Jobs) publish(job web.Job) {
	j.mu.Lock()
	for i := range j.jobs {
		if j.jobs[i].ID == job.ID {
			j.jobs[i] = job
		}
	}
	watchers := make([]func(web.Job), 0, len(j.watchers))
	for _, changed := range j.watchers {
		watchers = append(watchers, changed)
	}
	j.mu.Unlock()
	for _, changed := range watchers {
		changed(job)
	}
}

// Jobs implements web.Jobs.
func (j *Jobs) Jobs(context.Context) ([]web.Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	jobs := slices.Clone(j.jobs)
	slices.Reverse(jobs)
	return jobs, nil
}

// Job implements web.Jobs.
func (j *Jobs) Job(_ context.Context, id string) (web.Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, job := range j.jobs {
		if job.ID == id {
			return job, nil
		}
	}
	return web.Job{}, fmt.Errorf("%w: job %q", catalog.ErrNotFound, id)
}

// Cancel implements web.Jobs.
func (j *Jobs) Cancel(ctx context.Context, id string) (web.Job, error) {
	job, err := j.Job(ctx, id)
	if err == nil {
		j.mu.Lock()
		j.stops[id]()
		j.mu.Unlock()
	}
	return job, err
}

// Watch implements web.Jobs.
func (j *Jobs) Watch(changed func(web.Job)) (stop func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.next
	j.next++
	j.watchers[n] = changed
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.watchers, n)
	}
}
