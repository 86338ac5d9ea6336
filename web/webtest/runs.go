package webtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"polylens/web"
)

// CheckpointEvery is after how many steps a run of Runs can be resumed.
const CheckpointEvery = 10

// Runs pretends to train: each step of a run records a loss. Its configs know
// "steps" and "forgets", which lets the model fail the forgetting gate.
type Runs struct {
	step time.Duration

	mu       sync.Mutex
	runs     []web.Run // oldest first
	losses   map[string][]float64
	stops    map[string]context.CancelFunc
	watchers map[int]func(web.RunChange)
	next     int
	running  sync.WaitGroup
}

// NewRuns returns runs whose steps take so long.
func NewRuns(step time.Duration) *Runs {
	return &Runs{
		step: step, losses: make(map[string][]float64),
		stops: make(map[string]context.CancelFunc), watchers: make(map[int]func(web.RunChange)),
	}
}

// Close stops what is trained and waits for it.
func (r *Runs) Close() {
	r.mu.Lock()
	for _, stop := range r.stops {
		stop()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// Start implements web.Trainer.
func (r *Runs) Start(_ context.Context, order web.RunOrder) (web.Run, error) {
	steps, ok := order.Config["steps"].(float64)
	if !ok {
		return web.Run{}, fmt.Errorf("%w: config lacks “steps”", web.ErrInvalid)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	run := web.Run{
		ID: "run-" + strconv.Itoa(len(r.runs)+1), Name: order.Name, Collection: order.Collection, Config: order.Config,
		Status: web.RunQueued, Steps: int64(steps), Created: time.Now().UTC(),
		Base: web.RunModel{Directory: "/models/polylens-mini", Fingerprint: Fingerprint},
	}
	r.runs = append(r.runs, run)
	r.begin(run.ID)
	return run, nil
}

// Resume implements web.Trainer.
func (r *Runs) Resume(_ context.Context, id string) (web.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, web.RunStopped, web.RunFailed)
	if err != nil {
		return web.Run{}, err
	}
	run.Step -= run.Step % CheckpointEvery
	r.losses[id] = r.losses[id][:run.Step]
	kept := run.Step
	r.publish(web.RunChange{Run: *run, Kept: &kept})
	r.begin(id)
	return *run, nil
}

// begin trains; the lock is held.
func (r *Runs) begin(id string) {
	ctx, stop := context.WithCancel(context.Background())
	r.stops[id] = stop
	r.running.Go(func() { r.work(ctx, id) })
}

func (r *Runs) work(ctx context.Context, id string) {
	ticker := time.NewTicker(r.step)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.change(id, func(run *web.Run) []web.Series { run.Status = web.RunStopped; return nil })
			return
		case <-ticker.C:
		}
		if run := r.change(id, r.train); run.Step == run.Steps {
			r.change(id, finish)
			return
		}
	}
}

// train takes one step; the lock is held.
func (r *Runs) train(run *web.Run) []web.Series {
	run.Status = web.RunRunning
	run.Step++
	loss := 1 / float64(run.Step)
	r.losses[run.ID] = append(r.losses[run.ID], loss)
	return []web.Series{{Name: "loss", Steps: []int64{run.Step}, Values: []*float64{&loss}}}
}

func finish(run *web.Run) []web.Series {
	passed := run.Config["forgets"] != true
	run.Status = web.RunFinished
	run.Output = &web.RunModel{Directory: "/models/" + run.Name, Fingerprint: "f" + run.ID}
	run.Gate = &web.Gate{Passed: passed, Languages: []web.GateLanguage{
		{Language: "de", N: 40, Before: 0.75, After: 0.5, Lost: 25, Allowed: 2.5, Forgotten: !passed},
	}}
	return nil
}

// change lets do change a run and tells of it.
func (r *Runs) change(id string, do func(*web.Run) []web.Series) web.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.find(id)
	series := do(run)
	r.publish(web.RunChange{Run: *run, Series: series})
	return *run
}

// publish wants the lock held.
func (r *Runs) publish(change web.RunChange) {
	for _, changed := range r.watchers {
		changed(change)
	}
}

// find answers nil for an unknown run; the lock is held.
func (r *Runs) find(id string) *web.Run {
	for i := range r.runs {
		if r.runs[i].ID == id {
			return &r.runs[i]
		}
	}
	return nil
}

// in answers a run in one of some states; the lock is held.
func (r *Runs) in(id string, states ...web.RunStatus) (*web.Run, error) {
	run := r.find(id)
	if run == nil {
		return nil, fmt.Errorf("%w: run %q", web.ErrNotFound, id)
	}
	if !slices.Contains(states, run.Status) {
		return nil, fmt.Errorf("%w: run %q is %s", web.ErrConflict, id, run.Status)
	}
	return run, nil
}

// Stop implements web.Trainer.
func (r *Runs) Stop(_ context.Context, id string) (web.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, web.RunQueued, web.RunRunning)
	if err != nil {
		return web.Run{}, err
	}
	r.stops[id]()
	return *run, nil
}

// Activate implements web.Trainer.
func (r *Runs) Activate(_ context.Context, id string, force bool) (web.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, web.RunFinished, web.RunRolledBack)
	if err != nil {
		return web.Run{}, err
	}
	if !run.Gate.Passed && !force {
		return web.Run{}, fmt.Errorf("run %s: %w", id, &web.GateError{Gate: *run.Gate})
	}
	run.Status = web.RunActivated
	return *run, nil
}

// RollBack implements web.Trainer.
func (r *Runs) RollBack(_ context.Context, id string) (web.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, web.RunActivated)
	if err != nil {
		return web.Run{}, err
	}
	run.Status = web.RunRolledBack
	return *run, nil
}

// Runs implements web.Runs.
func (r *Runs) Runs(_ context.Context, collection, cursor string, limit int) ([]web.Run, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var page []web.Run
	for _, run := range slices.Backward(r.runs) {
		if collection != "" && run.Collection != collection || cursor != "" && run.ID >= cursor {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].ID, nil
		}
		page = append(page, run)
	}
	return page, "", nil
}

// Run implements web.Runs.
func (r *Runs) Run(_ context.Context, id string) (web.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run := r.find(id); run != nil {
		return *run, nil
	}
	return web.Run{}, fmt.Errorf("%w: run %q", web.ErrNotFound, id)
}

// Series implements web.Runs, but for thinning.
func (r *Runs) Series(ctx context.Context, id string, choice web.PointChoice) ([]web.Series, error) {
	if _, err := r.Run(ctx, id); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	series := web.Series{Name: "loss", Steps: []int64{}, Values: []*float64{}}
	for i, loss := range r.losses[id] {
		if step := int64(i + 1); step >= choice.From {
			series.Steps, series.Values = append(series.Steps, step), append(series.Values, &loss)
		}
	}
	return []web.Series{series}, nil
}

// DeleteRun implements web.Runs.
func (r *Runs) DeleteRun(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, web.RunStopped, web.RunFailed, web.RunFinished, web.RunRolledBack)
	if err != nil {
		return err
	}
	r.runs = slices.DeleteFunc(r.runs, func(other web.Run) bool { return other.ID == run.ID })
	return nil
}

// Watch implements web.Runs.
func (r *Runs) Watch(changed func(web.RunChange)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.next
	r.next++
	r.watchers[n] = changed
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, n)
	}
}
