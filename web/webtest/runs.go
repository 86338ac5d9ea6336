package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"polylens/indexer/catalog"
)

// CheckpointEvery is the number of steps between two checkpoints of a run of Runs.
const CheckpointEvery = 10

// Runs pretends to train: each step of a run records a loss. Its configs know
// "steps" and "forgets", which lets the model fail the forgetting gate.
type Runs struct {
	step time.Duration

	mu       sync.Mutex
	runs     []catalog.Run // oldest first
	losses   map[string][]float64
	stops    map[string]context.CancelFunc
	watchers map[int]func(catalog.RunNews)
	next     int
	running  sync.WaitGroup
}

// NewRuns returns runs whose steps take this long.
func NewRuns(step time.Duration) *Runs {
	return &Runs{
		step: step, losses: make(map[string][]float64),
		stops: make(map[string]context.CancelFunc), watchers: make(map[int]func(catalog.RunNews)),
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
func (r *Runs) Start(_ context.Context, order catalog.RunOrder) (catalog.Run, error) {
	steps, ok := order.Config["steps"].(float64)
	if !ok {
		return catalog.Run{}, fmt.Errorf("%w: config lacks “steps”", catalog.ErrInvalid)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	config, err := json.Marshal(order.Config)
	if err != nil {
		return catalog.Run{}, err
	}
	run := catalog.Run{
		ID: "run-" + strconv.Itoa(len(r.runs)+1), Name: order.Name, Collection: order.Collection, Config: config,
		State: catalog.RunQueued, Steps: int64(steps), Created: time.Now().UTC(),
		Base: catalog.RunModel{Directory: "/models/polylens-mini", Fingerprint: Fingerprint},
	}
	r.runs = append(r.runs, run)
	r.begin(run.ID)
	return run, nil
}

// Resume implements web.Trainer.
func (r *Runs) Resume(_ context.Context, id string) (catalog.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, catalog.RunStopped, catalog.RunFailed)
	if err != nil {
		return catalog.Run{}, err
	}
	run.Step -= run.Step % CheckpointEvery
	r.losses[id] = r.losses[id][:run.Step]
	r.publish(catalog.RunNews{Run: *run, Kept: run.Step})
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
			r.change(id, func(run *catalog.Run) []catalog.RunPoint { run.State = catalog.RunStopped; return nil })
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
func (r *Runs) train(run *catalog.Run) []catalog.RunPoint {
	run.State = catalog.RunRunning
	run.Step++
	loss := 1 / float64(run.Step)
	r.losses[run.ID] = append(r.losses[run.ID], loss)
	return []catalog.RunPoint{{Name: "loss", Step: run.Step, Value: loss}}
}

func finish(run *catalog.Run) []catalog.RunPoint {
	passed := !strings.Contains(string(run.Config), `"forgets":true`)
	run.State = catalog.RunFinished
	run.Output = catalog.RunModel{Directory: "/models/" + run.Name, Fingerprint: "f" + run.ID}
	run.Gate, _ = json.Marshal(catalog.Verdict{Passed: passed, Languages: []catalog.LanguageVerdict{
		{Language: "de", N: 40, Before: 0.75, After: 0.5, Lost: 25, Allowed: 2.5, Forgotten: !passed},
	}})
	return nil
}

// change lets do change a run, and publishes the change.
func (r *Runs) change(id string, do func(*catalog.Run) []catalog.RunPoint) catalog.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.find(id)
	points := do(run)
	r.publish(catalog.RunNews{Run: *run, Kept: catalog.KeptAll, Points: points})
	return *run
}

// publish expects its caller to hold the lock.
func (r *Runs) publish(change catalog.RunNews) {
	for _, changed := range r.watchers {
		changed(change)
	}
}

// find returns nil for an unknown run; the lock is held.
func (r *Runs) find(id string) *catalog.Run {
	for i := range r.runs {
		if r.runs[i].ID == id {
			return &r.runs[i]
		}
	}
	return nil
}

// in returns a run that must be in one of some states; the lock is held.
func (r *Runs) in(id string, states ...catalog.RunState) (*catalog.Run, error) {
	run := r.find(id)
	if run == nil {
		return nil, fmt.Errorf("%w: run %q", catalog.ErrNotFound, id)
	}
	if !slices.Contains(states, run.State) {
		return nil, fmt.Errorf("%w: run %q is %s", catalog.ErrConflict, id, run.State)
	}
	return run, nil
}

// Stop implements web.Trainer.
func (r *Runs) Stop(_ context.Context, id string) (catalog.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, catalog.RunQueued, catalog.RunRunning)
	if err != nil {
		return catalog.Run{}, err
	}
	r.stops[id]()
	return *run, nil
}

// Activate implements web.Trainer.
func (r *Runs) Activate(_ context.Context, id string, force bool) (catalog.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, catalog.RunFinished, catalog.RunRolledBack)
	if err != nil {
		return catalog.Run{}, err
	}
	if err := run.Verdict().Error(); err != nil && !force {
		return catalog.Run{}, fmt.Errorf("run %s: %w", id, err)
	}
	run.State = catalog.RunActivated
	return *run, nil
}

// RollBack implements web.Trainer.
func (r *Runs) RollBack(_ context.Context, id string) (catalog.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, catalog.RunActivated)
	if err != nil {
		return catalog.Run{}, err
	}
	run.State = catalog.RunRolledBack
	return *run, nil
}

// Runs implements web.Runs.
func (r *Runs) Runs(_ context.Context, collection, before string, limit int) ([]catalog.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var page []catalog.Run
	for _, run := range slices.Backward(r.runs) {
		if collection != "" && run.Collection != collection || before != "" && run.ID >= before || len(page) == limit {
			continue
		}
		page = append(page, run)
	}
	return page, nil
}

// Run implements web.Runs.
func (r *Runs) Run(_ context.Context, id string) (catalog.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run := r.find(id); run != nil {
		return *run, nil
	}
	return catalog.Run{}, fmt.Errorf("%w: run %q", catalog.ErrNotFound, id)
}

// RunSeries implements web.Runs, but for thinning.
func (r *Runs) RunSeries(_ context.Context, id string, choice catalog.RunPoints) ([]catalog.RunSeries, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	series := catalog.RunSeries{Name: "loss", Steps: []int64{}, Values: []float64{}}
	for i, loss := range r.losses[id] {
		if step := int64(i + 1); step >= choice.From {
			series.Steps, series.Values = append(series.Steps, step), append(series.Values, loss)
		}
	}
	return []catalog.RunSeries{series}, nil
}

// Delete implements web.Trainer.
func (r *Runs) Delete(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, err := r.in(id, catalog.RunStopped, catalog.RunFailed, catalog.RunFinished, catalog.RunRolledBack)
	if err != nil {
		return err
	}
	r.runs = slices.DeleteFunc(r.runs, func(other catalog.Run) bool { return other.ID == run.ID })
	return nil
}

// WatchRuns implements web.Runs.
func (r *Runs) WatchRuns(changed func(catalog.RunNews)) (stop func()) {
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
