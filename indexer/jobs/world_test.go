package jobs_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/catalog/database/databasetest"
	"polylens/indexer/jobs"
)

// world is a database in which time is simulated: it passes when everybody
// waits, see testing/synctest. Whatever opens the database is like a process.
type world struct {
	t   *testing.T
	dsn string
}

// simulate runs a test in a world on each database.
func simulate(t *testing.T, test func(t *testing.T, w *world)) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		synctest.Test(t, func(t *testing.T) { test(t, &world{t, dsn}) })
	})
}

// process works on the database through a line that can be cut.
type process struct {
	*jobs.Queue
	*line
	worker *jobs.Worker
}

// open starts a process without a worker.
func (w *world) open(kinds ...jobs.Kind) *process {
	w.t.Helper()
	s, err := database.Open(w.t.Context(), w.dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	line := &line{Store: s.Jobs(time.Now)}
	queue, err := jobs.New(line, kinds...)
	if err != nil {
		w.t.Fatal(err)
	}
	return &process{Queue: queue, line: line}
}

// work starts a process with a worker.
func (w *world) work(settings jobs.Settings, kinds ...jobs.Kind) *process {
	w.t.Helper()
	p := w.open(kinds...)
	p.worker = jobs.NewWorker(p.Queue, settings)
	p.worker.Start(w.t.Context())
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		p.mend()
		if err := p.worker.Stop(ctx); err != nil {
			w.t.Error(err)
		}
	})
	return p
}

func (p *process) enqueue(t *testing.T, order jobs.Order) catalog.Job {
	t.Helper()
	job, err := p.Enqueue(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

var errFound = errors.New("found")

// await follows until a job is as wanted.
func (p *process) await(t *testing.T, id string, wanted func(catalog.Job) bool) (found catalog.Job) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	err := p.Follow(ctx, 0, func(changed []catalog.Job) error {
		for _, job := range changed {
			if job.ID == id {
				if found = job; wanted(job) {
					return errFound
				}
			}
		}
		return nil
	})
	if !errors.Is(err, errFound) {
		t.Fatalf("waited in vain (%v): job is %+v", err, found)
	}
	return found
}

func (p *process) awaitState(t *testing.T, id string, state catalog.JobState) catalog.Job {
	t.Helper()
	return p.await(t, id, func(job catalog.Job) bool { return job.State == state })
}

// line is the way to the database. A cut line lets no call through: each fails
// at its deadline, or at once.
type line struct {
	jobs.Store
	moved func(from, to catalog.JobState) // hears of every move that was written; may be nil

	mu  sync.Mutex
	cut error // nil: calls go through; errSilent: they hang
}

var errSilent = errors.New("no answer")

func (l *line) setCut(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = err
}

func (l *line) mend() { l.setCut(nil) }

func (l *line) pass(ctx context.Context) error {
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	if errors.Is(cut, errSilent) {
		<-ctx.Done()
		return ctx.Err()
	}
	return cut
}

func (l *line) Claim(ctx context.Context, claim catalog.JobClaim) ([]catalog.Job, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	claimed, err := l.Store.Claim(ctx, claim)
	for range claimed {
		l.tell(catalog.JobQueued, catalog.JobRunning)
	}
	return claimed, err
}

func (l *line) Change(ctx context.Context, id string, change func(*catalog.Job, time.Time) error) (catalog.Job, error) {
	if err := l.pass(ctx); err != nil {
		return catalog.Job{}, err
	}
	var before catalog.JobState
	job, err := l.Store.Change(ctx, id, func(job *catalog.Job, now time.Time) error {
		before = job.State
		return change(job, now)
	})
	if err == nil {
		l.tell(before, job.State)
	}
	return job, err
}

func (l *line) tell(from, to catalog.JobState) {
	if l.moved != nil {
		l.moved(from, to)
	}
}

func (l *line) Renew(ctx context.Context, id, lease string, after time.Duration) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	return l.Store.Renew(ctx, id, lease, after)
}

func (l *line) Expired(ctx context.Context, kinds []string, limit int) ([]catalog.Job, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Store.Expired(ctx, kinds, limit)
}

func (l *line) Changed(ctx context.Context, after int64, limit int) ([]catalog.Job, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Store.Changed(ctx, after, limit)
}
