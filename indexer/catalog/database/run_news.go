package database

import (
	"context"
	"sync"

	"polylens/indexer/catalog"
)

// WatchRuns calls changed, which must return at once, with news of every run
// that this store changes, until stop is called. Changes by other processes are
// not reported.
func (s *Store) WatchRuns(changed func(catalog.RunNews)) (stop func()) { return s.runs.add(changed) }

// runWatchers are the callers of WatchRuns. The zero value is ready.
type runWatchers struct {
	mu       sync.Mutex
	watchers map[*func(catalog.RunNews)]struct{}
}

func (w *runWatchers) add(changed func(catalog.RunNews)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watchers == nil {
		w.watchers = make(map[*func(catalog.RunNews)]struct{})
	}
	w.watchers[&changed] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watchers, &changed)
	}
}

func (w *runWatchers) tell(news catalog.RunNews) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for changed := range w.watchers {
		(*changed)(news)
	}
}

func (w *runWatchers) none() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.watchers) == 0
}

// tellRun adds the present state of a run to its news and sends that to the watchers.
func (s *Store) tellRun(ctx context.Context, id string, news catalog.RunNews) error {
	if s.runs.none() {
		return nil
	}
	run, err := s.Run(ctx, id)
	if err == nil {
		news.Run = run
		s.runs.tell(news)
	}
	return err
}
