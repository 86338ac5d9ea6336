package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// drawn are the moves that doc.go draws, written down a second time.
var drawn = []string{
	"queued running", "queued paused", "queued canceled",
	"running queued", "running paused", "running succeeded", "running failed", "running canceled",
	"paused queued", "paused canceled", "failed queued", "canceled queued",
}

// TestRandomFaults lets three workers run jobs while processes are killed,
// stopped and cut off, and somebody cancels, pauses, resumes and retries. It
// checks what holds at every moment, and that all ends well. The number of seeds
// is 1 unless POLYLENS_SEEDS says otherwise.
func TestRandomFaults(t *testing.T) {
	seeds := 1
	if more, err := strconv.Atoi(os.Getenv("POLYLENS_SEEDS")); err == nil {
		seeds = more
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulate(t, func(t *testing.T, w *world) { newChaos(t, w, uint64(seed)).run() })
		})
	}
}

type chaos struct {
	t     *testing.T
	world *world

	mu       sync.Mutex
	random   *rand.Rand
	moves    map[string]int               // how often a job went from one state to another
	attempts map[string][]context.Context // of handlers, by job
	holders  map[string]*process          // by lease
	silenced map[string]time.Time         // when the holder of a lease fell silent
	returned map[string]string            // lease of the last attempt that ended well, by job
	slowest  time.Duration                // takeover
	took     int                          // takeovers
}

// step is the progress of the jobs here.
type step struct {
	Lease string
	Done  int
}

const steps = 5

func newChaos(t *testing.T, w *world, seed uint64) *chaos {
	return &chaos{
		t: t, world: w, random: rand.New(rand.NewPCG(seed, 16)),
		moves: map[string]int{}, attempts: map[string][]context.Context{}, holders: map[string]*process{},
		silenced: map[string]time.Time{}, returned: map[string]string{},
	}
}

func (c *chaos) chance(percent int) bool { return c.number(100) < percent }

func (c *chaos) number(below int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(below)
}

// seconds is a time of up to most seconds.
func (c *chaos) seconds(most int) time.Duration {
	return time.Duration(c.number(most*1000)) * time.Millisecond
}

// start starts a process with a worker.
func (c *chaos) start() *process {
	p := &process{}
	kinds := c.kinds(func(ctx context.Context, r *jobs.Running) error { return c.handle(ctx, p, r) })
	*p = *c.world.open(kinds...)
	p.moved = c.moved
	p.worker = jobs.NewWorker(p.Queue, jobs.Settings{Slots: 4})
	p.worker.Start(c.t.Context())
	return p
}

func (c *chaos) kinds(handle jobs.Handler) []jobs.Kind {
	return []jobs.Kind{
		{Name: "exclusive", Handle: handle, Exclusive: jobs.PerCollection, Attempts: 2},
		{Name: "lonely", Handle: handle, PerProcess: 1, Losses: 4},
		{Name: "patient", Handle: handle, Attempts: 5, Backoff: jobs.Exponential(time.Second, 4*time.Second)},
	}
}

func (c *chaos) moved(from, to catalog.JobState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from != to {
		c.moves[string(from)+" "+string(to)]++
	}
}

// handle does steps, and now and then fails, or does not notice that its context
// has ended.
func (c *chaos) handle(ctx context.Context, p *process, r *jobs.Running) error {
	c.enter(ctx, p, r)
	for n := range steps {
		if wait := c.seconds(6); c.chance(90) {
			if pause(ctx, wait) != nil {
				return context.Cause(ctx)
			}
		} else {
			time.Sleep(2 * wait)
		}
		if err := r.Report(context.WithoutCancel(ctx), step{r.Lease, n + 1}); err != nil {
			return err
		}
		if c.chance(5) {
			return errors.New("bad luck")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned[r.ID] = r.Lease
	return nil
}

// enter checks that whoever ran the job before knows that it is over.
func (c *chaos) enter(ctx context.Context, p *process, r *jobs.Running) {
	time.Sleep(10 * time.Millisecond) // timers of the same moment
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, earlier := range c.attempts[r.ID] {
		if earlier.Err() == nil {
			c.t.Errorf("job %s is run twice at once", r.ID)
		}
	}
	c.attempts[r.ID] = append(c.attempts[r.ID], ctx)
	c.holders[r.Lease] = p
}

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

func (c *chaos) run() {
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	observer := c.world.open(c.kinds(succeed)...)
	observer.moved = c.moved
	all := []*process{c.start(), c.start(), c.start()} // the first has no trouble
	weak := all[1:]
	var group sync.WaitGroup
	group.Go(func() { c.observe(ctx, observer) })
	for range 200 {
		time.Sleep(c.seconds(3))
		switch action := c.number(20); {
		case action < 6:
			c.order(observer)
		case action < 17:
			c.meddle(observer)
		default:
			i := c.number(len(weak))
			weak = append(weak[:i:i], append([]*process{c.trouble(weak[i])}, weak[i+1:]...)...)
			all = append(all, weak[i])
		}
	}
	c.settle(observer)
	cancel()
	group.Wait()
	c.verify(observer)
	for _, p := range all {
		p.mend()
		_ = p.worker.Stop(context.Background()) // most were stopped before
	}
}

func (c *chaos) order(p *process) {
	kinds := []string{"exclusive", "lonely", "patient"}
	order := jobs.Order{Kind: kinds[c.number(3)], Collection: []string{"x", "y", "z"}[c.number(3)], Priority: c.number(2)}
	if c.chance(20) {
		order.RunAfter = time.Now().Add(c.seconds(60))
	}
	p.enqueue(c.t, order)
}

// meddle does to a job what people do.
func (c *chaos) meddle(p *process) {
	found := c.list(p)
	if len(found) == 0 {
		return
	}
	acts := []func(context.Context, string) (catalog.Job, error){p.Cancel, p.Pause, p.Pause, p.Resume, p.Resume, p.Retry, p.Retry}
	_, err := acts[c.number(len(acts))](c.t.Context(), found[c.number(len(found))].ID)
	if err != nil && !errors.Is(err, catalog.ErrConflict) {
		c.t.Error(err)
	}
}

func (c *chaos) list(p *process, states ...catalog.JobState) []catalog.Job {
	found, err := p.List(c.t.Context(), catalog.JobFilter{States: states, Limit: 1000})
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// trouble kills, stops or cuts off a process, and returns the one that takes its place.
func (c *chaos) trouble(p *process) *process {
	switch c.number(4) {
	case 0: // killed: it writes nothing any more
		c.silence(p)
		p.setCut(errSilent)
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Millisecond)
		defer cancel()
		_ = p.worker.Stop(ctx)
		return c.start()
	case 1: // stopped, perhaps before its handlers end
		ctx, cancel := context.WithTimeout(c.t.Context(), c.seconds(10))
		defer cancel()
		_ = p.worker.Stop(ctx)
		return c.start()
	case 2: // its calls fail
		p.setCut(errors.New("broken line"))
		time.Sleep(c.seconds(20))
	default: // it hangs, and writes late
		c.silence(p)
		p.setCut(errSilent)
		time.Sleep(c.seconds(40))
	}
	c.mu.Lock()
	for lease, holder := range c.holders {
		if holder == p {
			delete(c.silenced, lease)
		}
	}
	c.mu.Unlock()
	p.mend()
	return p
}

func (c *chaos) silence(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for lease, holder := range c.holders {
		if holder == p {
			c.silenced[lease] = time.Now()
		}
	}
}

// observe checks what must hold of every job at every moment.
func (c *chaos) observe(ctx context.Context, p *process) {
	leases, writers := map[string]string{}, map[string][]string{} // by job: its lease, and those that reported
	last := int64(0)
	err := p.Follow(ctx, 0, func(changed []catalog.Job) error {
		for _, job := range changed {
			if job.Sequence <= last {
				c.t.Errorf("number %d was told after %d", job.Sequence, last)
			}
			last = job.Sequence
			c.checkState(job)
			var done step
			if err := json.Unmarshal(job.Progress, &done); err != nil {
				c.t.Error(err)
			}
			writers[job.ID] = c.checkWriter(job, writers[job.ID], done.Lease)
			if old := leases[job.ID]; old != job.Lease {
				c.released(old)
				leases[job.ID] = job.Lease
			}
		}
		return nil
	})
	if ctx.Err() == nil {
		c.t.Error(err)
	}
}

func (c *chaos) checkState(job catalog.Job) {
	running, finished := job.State == catalog.JobRunning, job.State.Finished()
	if running != (job.Lease != "") || running != !job.Expires.IsZero() || finished != !job.Finished.IsZero() || !running && job.Wanted != "" {
		c.t.Errorf("%+v does not agree with itself", job)
	}
}

// checkWriter checks that nobody reports after a later holder did.
func (c *chaos) checkWriter(job catalog.Job, writers []string, writer string) []string {
	if writer == "" || len(writers) > 0 && writers[len(writers)-1] == writer {
		return writers
	}
	for _, earlier := range writers {
		if earlier == writer {
			c.t.Errorf("lease %s wrote into job %s after it was lost", writer, job.ID)
		}
	}
	return append(writers, writer)
}

// released measures how long a silent worker kept a job.
func (c *chaos) released(lease string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, silent := c.silenced[lease]; silent {
		c.slowest, c.took = max(c.slowest, time.Since(at)), c.took+1
	}
	delete(c.silenced, lease)
	delete(c.holders, lease)
}

// settle resumes what is paused until all is finished.
func (c *chaos) settle(p *process) {
	for deadline := time.Now().Add(time.Hour); time.Now().Before(deadline); time.Sleep(5 * time.Second) {
		for _, job := range c.list(p, catalog.JobPaused) {
			if _, err := p.Resume(c.t.Context(), job.ID); err != nil {
				c.t.Error(err)
			}
		}
		if len(c.list(p, catalog.JobQueued, catalog.JobRunning, catalog.JobPaused)) == 0 {
			return
		}
	}
	c.t.Error("jobs are left that do not end")
}

func (c *chaos) verify(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	states := map[catalog.JobState]int{}
	found, err := p.List(c.t.Context(), catalog.JobFilter{Limit: 1000})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, job := range found {
		states[job.State]++
		var done step
		_ = json.Unmarshal(job.Progress, &done) // checked when it was reported
		if job.State == catalog.JobSucceeded && (done.Done != steps || done.Lease != c.returned[job.ID]) {
			c.t.Errorf("job succeeded with progress %+v, want that of lease %s", done, c.returned[job.ID])
		}
	}
	for move := range c.moves {
		if !slices.Contains(drawn, move) {
			c.t.Errorf("a job went the way %q, which is not drawn", move)
		}
	}
	if c.slowest > takeover {
		c.t.Errorf("a job was taken over after %v", c.slowest)
	}
	c.t.Logf("%d jobs ended as %v; moves %v; %d takeovers within %v", len(found), states, c.moves, c.took, c.slowest)
	if states[catalog.JobSucceeded] == 0 || c.took == 0 || len(c.moves) < 6 {
		c.t.Error("too little happened")
	}
}
