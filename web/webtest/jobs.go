package webtest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	_ "gocloud.dev/blob/memblob" // for uploads

	"polylens/indexer"
	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// Jobs pretends to index: every job fills its collection with the drawn
// pictures, one at each step.
type Jobs struct {
	library *Library
	step    time.Duration

	mu      sync.Mutex
	jobs    []catalog.Job     // oldest first
	last    indexer.JobParams // of the last index job
	gone    int               // images that jobs find gone, until one may remove them
	stops   map[string]context.CancelFunc
	changes int64         // number of the last change
	changed chan struct{} // closed at the next change
	running sync.WaitGroup

	Uploads *upload.Store // in memory
}

// NewJobs returns jobs that take this long for each picture.
func NewJobs(library *Library, step time.Duration) *Jobs {
	blobs, err := blob.Open(context.Background(), "mem://")
	if err != nil {
		panic(err) // there is no address that could be wrong
	}
	return &Jobs{
		library: library, step: step, stops: make(map[string]context.CancelFunc), changed: make(chan struct{}),
		Uploads: upload.New(blobs, upload.Limits{}, func(int64) error { return nil }),
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

// Index implements web.Jobs.
func (j *Jobs) Index(_ context.Context, collection string, params indexer.JobParams) (catalog.Job, error) {
	if params.MaxPatches > MostPatches {
		return catalog.Job{}, fmt.Errorf("%w: %d patches", catalog.ErrInvalid, params.MaxPatches)
	}
	if params.MaxPatches > 0 {
		j.library.choose(collection, params.MaxPatches)
	}
	report := indexer.Report{Progress: indexer.Progress{State: indexer.StateIndexing, Total: len(Concepts) * Variants}}
	j.mu.Lock()
	now := time.Now().UTC()
	job := catalog.Job{
		ID: "job-" + strconv.Itoa(len(j.jobs)+1), Kind: indexer.JobIndex, Collection: collection, State: catalog.JobRunning,
		Params: write(params), Progress: write(report), Created: now, Started: now,
	}
	j.jobs = append(j.jobs, job)
	j.last = params
	ctx, stop := context.WithCancel(context.Background())
	j.stops[job.ID] = stop
	j.running.Add(1)
	j.mu.Unlock()
	job = j.publish(job)
	go j.work(ctx, job, params, report)
	return job, nil
}

// Params are those of the last index job.
func (j *Jobs) Params() indexer.JobParams {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Lose lets the jobs to come find that many images gone.
func (j *Jobs) Lose(images int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gone = images
}

// removal removes what is gone if params say so, else it fails with the message.
func (j *Jobs) removal(params indexer.JobParams, report *indexer.Report) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.gone > 0 && !params.ConfirmRemoval {
		report.Withheld = j.gone
		return fmt.Sprintf("nothing was removed: %d images are gone", j.gone)
	}
	report.Removed, j.gone = j.gone, 0
	return ""
}

// Check implements web.Jobs. It finds one row missing from every index; all kinds but
// JobCheck repair that. In what belongs to no collection it finds a thumbnail.
func (j *Jobs) Check(_ context.Context, order indexer.CheckOrder) (catalog.Job, error) {
	if err := order.Read.Validate(); err != nil {
		return catalog.Job{}, err
	}
	collection, kind := order.Collection, order.Kind
	result := indexer.CheckResult{Findings: indexer.Findings{{Kind: indexer.ThumbnailLeft, Count: 1, Examples: []string{"a-128"}}}}
	if collection != "" {
		if _, err := j.library.Catalog().Collection(context.Background(), collection); err != nil {
			return catalog.Job{}, err
		}
		result = indexer.CheckResult{CheckReport: indexer.CheckReport{Images: len(Concepts) * Variants, Missing: 1}}
		if kind != indexer.JobCheck {
			result.Repaired = 1
		}
	}
	now := time.Now().UTC()
	j.mu.Lock()
	job := catalog.Job{
		ID: "job-" + strconv.Itoa(len(j.jobs)+1), Kind: kind, Collection: collection, State: catalog.JobSucceeded,
		Params: write(indexer.JobParams{}), Progress: write(result), Created: now, Started: now, Finished: now,
	}
	j.jobs = append(j.jobs, job)
	j.mu.Unlock()
	return j.publish(job), nil
}

func write(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // numbers and texts only
	}
	return data
}

// work adds one picture each step; the third cannot be read.
func (j *Jobs) work(ctx context.Context, job catalog.Job, params indexer.JobParams, report indexer.Report) {
	defer j.running.Done()
	ticker := time.NewTicker(j.step)
	defer ticker.Stop()
	start := time.Now()
	for n := range report.Total {
		select {
		case <-ctx.Done():
			j.finish(job, catalog.JobCanceled)
			return
		case <-ticker.C:
		}
		report.Done++
		if n == 2 {
			report.Failed++
			report.Failures = []catalog.Failure{{URI: "file:///pictures/broken.png", Kind: catalog.FailurePicture, Reason: "it ends too early"}}
		} else {
			report.Encoded++
			j.library.put(job.Collection, n)
		}
		report.Rate = float64(n+1) / time.Since(start).Seconds()
		report.RemainingSeconds = float64(report.Total-n-1) / report.Rate
		job.Progress = write(report)
		j.publish(job)
	}
	report.Files = indexer.Files{
		Seen: report.Done + 4, Others: map[string]int{"video": 2}, Excluded: map[string]int{"@eaDir": 1},
		Unusable: map[catalog.FailureKind]int{catalog.FailureLink: 1},
	}
	report.Warnings = []catalog.Failure{{URI: "file:///pictures/elsewhere", Kind: catalog.FailureLink, Reason: "it leads to a folder"}}
	job.Error = j.removal(params, &report)
	job.Progress = write(report)
	if job.Error != "" {
		j.finish(job, catalog.JobFailed)
		return
	}
	j.finish(job, catalog.JobSucceeded)
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

func (j *Jobs) finish(job catalog.Job, state catalog.JobState) {
	job.State, job.Finished = state, time.Now().UTC()
	j.publish(job)
}

// publish keeps a job and numbers the change.
func (j *Jobs) publish(job catalog.Job) catalog.Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.changes++
	job.Sequence = j.changes
	for i := range j.jobs {
		if j.jobs[i].ID == job.ID {
			j.jobs[i] = job
		}
	}
	close(j.changed)
	j.changed = make(chan struct{})
	return job
}

// List implements web.Jobs, but for the filter.
func (j *Jobs) List(_ context.Context, filter catalog.JobFilter) ([]catalog.Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	jobs := slices.DeleteFunc(slices.Clone(j.jobs), func(job catalog.Job) bool {
		return filter.Among != nil && !slices.Contains(filter.Among, job.Collection)
	})
	slices.Reverse(jobs)
	return jobs, nil
}

// Get implements web.Jobs.
func (j *Jobs) Get(_ context.Context, id string) (catalog.Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, job := range j.jobs {
		if job.ID == id {
			return job, nil
		}
	}
	return catalog.Job{}, fmt.Errorf("job %.80q: %w", id, catalog.ErrNotFound)
}

// Cancel implements web.Jobs.
func (j *Jobs) Cancel(ctx context.Context, id string) (catalog.Job, error) {
	job, err := j.Get(ctx, id)
	if err == nil {
		j.mu.Lock()
		j.stops[id]()
		j.mu.Unlock()
	}
	return job, err
}

// Pause implements web.Jobs: jobs here cannot be paused.
func (j *Jobs) Pause(ctx context.Context, id string) (catalog.Job, error) { return j.refuse(ctx, id) }

// Resume implements web.Jobs.
func (j *Jobs) Resume(ctx context.Context, id string) (catalog.Job, error) { return j.refuse(ctx, id) }

// Retry implements web.Jobs.
func (j *Jobs) Retry(ctx context.Context, id string) (catalog.Job, error) { return j.refuse(ctx, id) }

func (j *Jobs) refuse(ctx context.Context, id string) (catalog.Job, error) {
	job, err := j.Get(ctx, id)
	if err == nil {
		err = fmt.Errorf("job %s is %s: %w", id, job.State, catalog.ErrConflict)
	}
	return job, err
}

// Last implements web.Jobs.
func (j *Jobs) Last(context.Context) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changes, nil
}

// Follow implements web.Jobs.
func (j *Jobs) Follow(ctx context.Context, after int64, changed func([]catalog.Job) error) error {
	for {
		jobs, wait := j.since(after)
		if len(jobs) > 0 {
			after = jobs[len(jobs)-1].Sequence
			if err := changed(jobs); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait:
		}
	}
}

// since returns the jobs that changed after a change, in order, and a channel that is
// closed at the next one.
func (j *Jobs) since(after int64) ([]catalog.Job, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	jobs := slices.DeleteFunc(slices.Clone(j.jobs), func(job catalog.Job) bool { return job.Sequence <= after })
	slices.SortFunc(jobs, func(a, b catalog.Job) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return jobs, j.changed
}
