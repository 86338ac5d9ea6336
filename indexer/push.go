package indexer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
	"polylens/indexer/source"
)

// JobPush is the kind of jobs that do what many lines of a client say.
const JobPush = "push"

// PushParams says what a push has to do.
type PushParams struct {
	Push string `json:"push"` // name of the folder in the blob store that holds its chunks
	PushSource
}

// PushProgress is how far a push has come.
type PushProgress struct {
	Counts           catalog.PushCounts `json:"counts"`
	Others           map[string]int     `json:"others,omitempty"`  // see manifest
	Rate             float64            `json:"rate"`              // items a second
	RemainingSeconds float64            `json:"remaining_seconds"` // 0 when unknown
}

const (
	chunkLease = 15 * time.Second // a chunk whose worker is silent for this long is taken over
	chunkPoll  = 200 * time.Millisecond
	// chunksAtOnce overlap, so that encoding goes on while the end of a chunk is written.
	chunksAtOnce = 2
	// mostChunkLosses end a job: a chunk that so many workers have died over will kill
	// more of them.
	mostChunkLosses = 20
)

// Pushes are jobs that bring many documents into a collection. Any number of processes
// share the chunks of one.
type Pushes struct {
	documents *Documents
	blobs     *blob.Store
	jobs      *database.Jobs
	queue     *jobs.Queue
	// Problem names the kind of an error for clients.
	problem func(error) string
	lease   time.Duration // see chunkLease
	options PushOptions   // of what is received
	// parquets counts the Parquet files that are read at once.
	parquets *semaphore.Weighted
}

// PushOptions are what a client may choose for a push.
type PushOptions struct {
	DryRun bool   // say only what it would do
	Layout Layout // of an archive
}

// Layout is what the place of a picture in an archive says about it.
type Layout string

// Layouts of archives.
const (
	PlainLayout Layout = ""            // nothing
	ImageFolder Layout = "imagefolder" // the name of its folder is its label, as Hugging Face has it
)

// Receiver takes what clients push. *Pushes is one.
type Receiver interface {
	// Receive reads lines to their end, in constant memory, and queues a job.
	Receive(ctx context.Context, collection string, lines io.Reader) (catalog.Job, error)
	// ReceiveArchive is Receive for a zip or tar archive, ReceiveFiles for files: next gives
	// one after the other with its name, and io.EOF after the last.
	ReceiveArchive(ctx context.Context, collection string, archive io.Reader) (catalog.Job, error)
	ReceiveFiles(ctx context.Context, collection string, next func() (name string, data []byte, err error)) (catalog.Job, error)
	// ReceiveFrom queues a job that does what a source holds, which it reads itself.
	ReceiveFrom(ctx context.Context, collection string, from PushSource) (catalog.Job, error)
}

// With takes pushes with options.
func (p *Pushes) With(options PushOptions) Receiver {
	with := *p
	with.options = options
	return &with
}

// NewPushes makes pushes that keep their chunks where documents keep their pictures.
// problem names the kind of an error for clients.
func NewPushes(documents *Documents, store *database.Jobs, problem func(error) string) *Pushes {
	return &Pushes{documents: documents, blobs: documents.blobs, jobs: store, problem: problem, lease: chunkLease, parquets: semaphore.NewWeighted(1)}
}

// SetLease says for how long the worker of a chunk may be silent, before anything is
// worked on; 0 leaves the 15 seconds that it is.
func (p *Pushes) SetLease(lease time.Duration) { p.lease = cmp.Or(lease, p.lease) }

// Connect gives the queue that jobs are put into.
func (p *Pushes) Connect(queue *jobs.Queue) { p.queue = queue }

// Kind is the kind of jobs, one at a time in each collection.
func (p *Pushes) Kind() jobs.Kind {
	return jobs.Kind{Name: JobPush, Exclusive: jobs.PerCollection, Handle: p.handle, Waits: true, Passing: isPassing}
}

// manifest lists the chunks of a push. It is written when the whole body has arrived.
type manifest struct {
	Chunks []catalog.Chunk `json:"chunks"`
	// Others are what an archive held that is no picture and describes none, by what it is.
	Others map[string]int `json:"others,omitempty"`
}

const mostManifest = 64 << 20 // bytes

// keepManifest writes what a push has to do: from then on it is complete.
func (p *Pushes) keepManifest(ctx context.Context, push string, found manifest) error {
	text, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return p.blobs.Put(ctx, manifestName(push), text)
}

func (p *Pushes) readManifest(ctx context.Context, push string) (found manifest, err error) {
	text, err := p.blobs.Read(ctx, manifestName(push), mostManifest)
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, fmt.Errorf("%s: %w", manifestName(push), err)
	}
	return found, nil
}

// order makes a job of a push, or a plan of it.
func (p *Pushes) order(ctx context.Context, collection string, params PushParams) (catalog.Job, error) {
	if !p.options.DryRun {
		return p.enqueue(ctx, collection, params)
	}
	return p.queue.Enqueue(ctx, jobs.Order{Kind: JobPlan, Collection: collection, Params: PlanParams{PushParams: params}})
}

// PlanFolder queues a plan of a run over a folder. catalog.ErrInvalid for what no run can do.
func (p *Pushes) PlanFolder(ctx context.Context, collection string, params JobParams) (catalog.Job, error) {
	if err := cmp.Or(catalog.ValidateCollectionName(collection), p.documents.indexer.CheckMaxPatches(params.MaxPatches)); err != nil {
		return catalog.Job{}, err
	}
	if _, err := source.NewDirectoryWith(params.Directory, params.Rules); err != nil {
		return catalog.Job{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	return p.queue.Enqueue(ctx, jobs.Order{Kind: JobPlan, Collection: collection, Params: PlanParams{Folder: &params}})
}

// enqueue makes a job of a push.
func (p *Pushes) enqueue(ctx context.Context, collection string, params PushParams) (catalog.Job, error) {
	return p.queue.Enqueue(ctx, jobs.Order{Kind: JobPush, Collection: collection, Params: params})
}

// Items returns what became of the items of a push that have an outcome, in order of their
// numbers. catalog.ErrNotFound for a job that does not exist, catalog.ErrConflict for one
// that is no push.
func (p *Pushes) Items(ctx context.Context, id string, filter catalog.ItemFilter) ([]catalog.ItemResult, error) {
	job, err := p.queue.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.Kind != JobPush {
		return nil, fmt.Errorf("job %s has no items: %w: it is of kind %s", id, catalog.ErrConflict, job.Kind)
	}
	return p.jobs.Items(ctx, id, filter)
}

func (p *Pushes) handle(ctx context.Context, job *jobs.Running) error {
	var params PushParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	if err := p.prepare(ctx, job.Collection, params, true); err != nil {
		return err
	}
	found, err := p.readManifest(ctx, params.Push)
	if err == nil {
		err = p.addChunks(ctx, job.ID, found.Chunks)
	}
	if err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	inner, finish := context.WithCancel(inner)
	defer finish()
	for range chunksAtOnce {
		group.Go(func() error { return p.work(inner, job.ID, job.Collection) })
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		p.report(inner, job, found.Others)
	}()
	err = group.Wait()
	if err == nil {
		err = p.settle(ctx, job)
	}
	finish()
	<-over
	return err
}

// settle compares the index with the catalogue if a worker was lost: what it had sent may
// have come to the index after others have done its chunk, and those that followed.
func (p *Pushes) settle(ctx context.Context, job *jobs.Running) error {
	lost, err := p.jobs.WorkersLost(ctx, job.ID)
	if err != nil || !lost {
		return err
	}
	work, err := p.documents.open(ctx, job.Collection, true)
	if err != nil {
		return err
	}
	m := work.mirror()
	found, err := m.compare(ctx)
	if err == nil {
		_, err = m.resolve(ctx, found)
	}
	return err
}

// addChunks notes what there is to do, once.
func (p *Pushes) addChunks(ctx context.Context, job string, chunks []catalog.Chunk) error {
	counts, err := p.jobs.PushCounts(ctx, job)
	if err != nil || counts.Total > 0 {
		return err
	}
	for i := range chunks {
		chunks[i].Job = job
	}
	return p.jobs.AddChunks(ctx, chunks)
}

// work does chunks of a job until none is left that is not done.
func (p *Pushes) work(ctx context.Context, job, collection string) error {
	for {
		chunk, found, err := p.jobs.ClaimChunk(ctx, job, p.lease)
		if err != nil {
			return err
		}
		if found {
			if err := p.do(ctx, chunk, collection); err != nil {
				return err
			}
			continue
		}
		if left, err := p.jobs.ChunksLeft(ctx, job); err != nil || !left {
			return err
		}
		if err := sleep(ctx, chunkPoll); err != nil {
			return err
		}
	}
}

// report tells how far a push has come, until ctx ends, and then once more.
func (p *Pushes) report(ctx context.Context, job *jobs.Running, others map[string]int) {
	began, first := time.Now(), -1
	for last := false; ; {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.lease)
		counts, err := p.jobs.PushCounts(call, job.ID)
		if err == nil {
			if first < 0 {
				first = counts.Done()
			}
			progress := progressOf(counts, counts.Done()-first, time.Since(began))
			progress.Others = others
			_ = job.Report(call, progress) // the next one tells as much
		}
		cancel()
		if last {
			return
		}
		last = sleep(ctx, time.Second) != nil
	}
}

func progressOf(counts catalog.PushCounts, done int, took time.Duration) PushProgress {
	progress := PushProgress{Counts: counts}
	if done > 0 && took > 0 {
		progress.Rate = float64(done) / took.Seconds()
		progress.RemainingSeconds = float64(counts.Total-counts.Done()) / progress.Rate
	}
	return progress
}
