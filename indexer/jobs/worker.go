package jobs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

// Settings of a worker. Zero fields take the defaults that are named.
type Settings struct {
	Slots     int           // most jobs at once; 1
	Lease     time.Duration // a job whose worker is silent for this long is taken over; 15 s
	Heartbeat time.Duration // between signs of life, well below Lease; 5 s
	Poll      time.Duration // between looks for jobs and for silent workers; 1 s
	Keep      time.Duration // how long finished jobs stay; 30 days
	// Alone says that no other worker shares the database. Jobs that are running at
	// the start were then left by a worker that is gone: they are queued at once.
	Alone bool
	// Room fails, as disk.Check does, while there is too little room for jobs to begin;
	// it always has.
	Room func() error
	Log  *slog.Logger // nothing is logged
}

func (s Settings) complete() Settings {
	s.Slots = max(s.Slots, 1)
	s.Lease = cmp.Or(s.Lease, 15*time.Second)
	s.Heartbeat = cmp.Or(s.Heartbeat, 5*time.Second)
	s.Poll = cmp.Or(s.Poll, time.Second)
	s.Keep = cmp.Or(s.Keep, 30*24*time.Hour)
	if s.Room == nil {
		s.Room = func() error { return nil }
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s
}

// callLimit bounds one call of the store.
const callLimit = 10 * time.Second

// Worker runs the jobs of a queue.
type Worker struct {
	queue    *Queue
	settings Settings
	wake     chan struct{} // capacity 1: there may be something to claim
	done     chan struct{} // closed when the work has ended
	tidied   time.Time     // when old jobs were last deleted; only work uses it, like all below

	beginning, takingOver, claiming complaint

	mu      sync.Mutex
	stop    context.CancelCauseFunc // nil until Start
	running map[string]*Running     // by lease
}

// NewWorker makes a worker of all kinds of a queue.
func NewWorker(queue *Queue, settings Settings) *Worker {
	return &Worker{
		queue: queue, settings: settings.complete(),
		wake: make(chan struct{}, 1), done: make(chan struct{}), running: make(map[string]*Running),
	}
}

// Start begins to work. It is called once. Only the values of ctx are used; Stop
// ends the work.
func (w *Worker) Start(ctx context.Context) {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	w.mu.Lock()
	w.stop = stop
	w.mu.Unlock()
	w.queue.works.Store(true)
	go w.work(work)
}

// Stop ends the contexts of the handlers with ErrStopping and hands their jobs
// back to the queue as they return. When ctx ends before that, it hands back the
// rest as well, fences their handlers off, and returns an error.
func (w *Worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	stop := w.stop
	w.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop(ErrStopping)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return w.abandon(context.WithoutCancel(ctx))
	}
}

// abandon hands back jobs whose handlers do not return.
func (w *Worker) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	left := w.present()
	for _, r := range left {
		r.lose()
		if err := r.change(ctx, letGo); err != nil {
			w.settings.Log.Warn("cannot hand a job back, its lease will end", "job", r.ID, "error", err)
		}
	}
	return fmt.Errorf("%d jobs have not ended in time and were handed back to the queue", len(left))
}

// work claims and runs jobs until ctx ends, and then waits for them.
func (w *Worker) work(ctx context.Context) {
	defer close(w.done)
	var group sync.WaitGroup
	defer group.Wait()
	after, err := w.begin(ctx)
	if err != nil {
		return
	}
	group.Go(func() { w.heed(ctx, after) })
	poll := time.NewTicker(w.settings.Poll)
	defer poll.Stop()
	w.look(ctx)
	for {
		w.claim(ctx, &group)
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-poll.C:
			w.look(ctx)
		}
	}
}

// begin reads the number of the last change, from which work follows, before the
// first claim. It fails only when ctx ends.
func (w *Worker) begin(ctx context.Context) (after int64, err error) {
	for {
		call, cancel := context.WithTimeout(ctx, callLimit)
		if after, err = w.queue.Last(call); err == nil && w.settings.Alone {
			err = w.takeLeft(call)
		}
		cancel()
		if err == nil {
			return after, nil
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		w.beginning.about(w.settings.Log, "cannot begin to work, trying again", err)
		if err := sleep(ctx, w.settings.Poll); err != nil {
			return 0, err
		}
	}
}

// takeLeft puts the jobs of a worker that is gone back into the queue.
func (w *Worker) takeLeft(ctx context.Context) error {
	left, err := w.queue.store.List(ctx, catalog.JobFilter{States: []catalog.JobState{catalog.JobRunning}})
	for err == nil && len(left) > 0 {
		for _, job := range left {
			w.settings.Log.Info("going on with a job that was interrupted", "job", job.ID, "kind", job.Kind, "collection", job.Collection)
			if job, err = w.queue.change(ctx, job.ID, letGo); err != nil {
				return err
			}
			w.tellCanceled(ctx, job)
		}
		left, err = w.queue.store.List(ctx, catalog.JobFilter{States: []catalog.JobState{catalog.JobRunning}})
	}
	return err
}

// tellCanceled is that of the queue, where nobody waits for an answer.
func (w *Worker) tellCanceled(ctx context.Context, job catalog.Job) {
	if err := w.queue.tellCanceled(ctx, job); err != nil {
		w.settings.Log.Error("a canceled job leaves something undone", "error", err)
	}
}

// heed follows what others want of running jobs, and new jobs to claim.
func (w *Worker) heed(ctx context.Context, after int64) {
	for ctx.Err() == nil {
		err := w.queue.Follow(ctx, after, func(jobs []catalog.Job) error {
			for _, job := range jobs {
				w.notice(job)
				after = job.Sequence
			}
			return nil
		})
		if ctx.Err() == nil {
			w.settings.Log.Error("cannot follow jobs, trying again", "error", err)
			_ = sleep(ctx, w.settings.Poll)
		}
	}
}

func (w *Worker) notice(job catalog.Job) {
	if job.State == catalog.JobQueued {
		w.poke()
	}
	for _, r := range w.present() {
		if r.ID == job.ID && r.Sequence < job.Sequence {
			r.notice(job)
		}
	}
}

func (w *Worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// claim starts jobs as far as there is room.
func (w *Worker) claim(ctx context.Context, group *sync.WaitGroup) {
	if ctx.Err() != nil {
		return
	}
	began := time.Now()
	jobs, err := w.claimed(ctx)
	w.claiming.about(w.settings.Log, "cannot claim jobs, trying again", err)
	if !disk.IsFull(err) {
		w.queue.Hold(nil)
	} else {
		w.queue.Hold(err)
	}
	for _, job := range jobs {
		r := w.take(ctx, job, began)
		group.Go(func() { w.run(r) })
	}
	if len(jobs) > 0 {
		w.queue.bell.ring()
	}
}

// claimed claims jobs, unless the disk has no room for what they write.
func (w *Worker) claimed(ctx context.Context) ([]catalog.Job, error) {
	if err := w.hearWishes(ctx); err != nil {
		return nil, err
	}
	claim := w.room()
	if len(claim.Room) == 0 {
		return nil, nil
	}
	if err := w.settings.Room(); err != nil {
		return nil, err
	}
	// A claim that is cut off could take jobs that nobody runs.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	return w.queue.store.Claim(call, claim)
}

// room says how much could be claimed now.
func (w *Worker) room() catalog.JobClaim {
	running := make(map[string]int)
	present := w.present()
	for _, r := range present {
		running[r.Kind]++
	}
	free := w.settings.Slots - len(present)
	room := make(map[string]int, len(w.queue.kinds))
	for name, kind := range w.queue.kinds {
		left := free
		if kind.PerProcess > 0 {
			left = min(free, kind.PerProcess-running[name])
		}
		if left > 0 {
			room[name] = left
		}
	}
	return catalog.JobClaim{Room: room, Most: free, Lease: w.settings.Lease}
}

// present are the jobs that run.
func (w *Worker) present() []*Running {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Values(w.running))
}

// take registers a job that was claimed by a call that began at the given time.
func (w *Worker) take(ctx context.Context, job catalog.Job, began time.Time) *Running {
	r := newRunning(ctx, w, job, began)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[job.Lease] = r
	return r
}

// run does a job from its claim to its end.
func (w *Worker) run(r *Running) {
	var keeping sync.WaitGroup
	keeping.Go(r.keep)
	keeping.Go(r.saveReports)
	err := r.handle()
	r.conclude(err)
	close(r.over)
	keeping.Wait()
	w.mu.Lock()
	delete(w.running, r.Lease)
	w.mu.Unlock()
	w.poke()
}
