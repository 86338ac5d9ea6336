package webtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/watch"
)

// Sources are kept in memory. Their scans are index jobs, and nobody orders any.
type Sources struct {
	jobs *Jobs

	mu    sync.Mutex
	made  int
	kept  []catalog.KeptSource
	scans map[string]string // the last job, by source
}

// NewSources returns none yet.
func NewSources(jobs *Jobs) *Sources { return &Sources{jobs: jobs, scans: make(map[string]string)} }

// KeptSources implements web.Sources.
func (s *Sources) KeptSources(ctx context.Context, collection string) ([]catalog.KeptSource, error) {
	if _, err := s.jobs.library.find(collection); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []catalog.KeptSource{}
	for _, kept := range s.kept {
		if kept.Collection == collection {
			found = append(found, s.withScan(ctx, kept))
		}
	}
	return found, nil
}

func (s *Sources) withScan(ctx context.Context, kept catalog.KeptSource) catalog.KeptSource {
	kept.Last, _ = s.jobs.Get(ctx, s.scans[kept.ID])
	return kept
}

func (s *Sources) find(collection, id string) (int, error) {
	at := slices.IndexFunc(s.kept, func(k catalog.KeptSource) bool { return k.ID == id && k.Collection == collection })
	if at < 0 {
		return at, fmt.Errorf("source %.80q: %w", id, catalog.ErrNotFound)
	}
	return at, nil
}

// KeptSource implements web.Sources.
func (s *Sources) KeptSource(ctx context.Context, collection, id string) (catalog.KeptSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.find(collection, id)
	if err != nil {
		return catalog.KeptSource{}, err
	}
	return s.withScan(ctx, s.kept[at]), nil
}

// AddSource implements web.Sources.
func (s *Sources) AddSource(ctx context.Context, collection string, order indexer.SourceOrder) (catalog.KeptSource, error) {
	job, err := s.jobs.Index(ctx, collection, order.Params)
	if err != nil {
		return catalog.KeptSource{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.kept {
		if kept.Collection == collection && kept.Directory == order.Params.Directory {
			return kept, catalog.Conflict("%s is kept in step already", kept.Directory)
		}
	}
	s.made++
	kept := catalog.KeptSource{
		ID: "source-" + strconv.Itoa(s.made), Collection: collection, Directory: order.Params.Directory, Settings: write(order.Params),
		Every: order.Every, Events: order.Events, Created: job.Created,
	}
	s.kept, s.scans[kept.ID] = append(s.kept, kept), job.ID
	return s.withScan(ctx, kept), nil
}

// ChangeKeptSource implements web.Sources.
func (s *Sources) ChangeKeptSource(_ context.Context, source catalog.KeptSource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.find(source.Collection, source.ID)
	if err == nil {
		s.kept[at].Every, s.kept[at].Events = source.Every, source.Events
	}
	return err
}

// DeleteKeptSource implements web.Sources.
func (s *Sources) DeleteKeptSource(_ context.Context, collection, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.find(collection, id)
	if err == nil {
		s.kept = slices.Delete(s.kept, at, at+1)
	}
	return err
}

// ScanSource implements web.Sources.
func (s *Sources) ScanSource(ctx context.Context, source catalog.KeptSource, _ string, choice indexer.ScanChoice) (catalog.Job, error) {
	params := indexer.JobParams{Directory: source.Directory, ConfirmRemoval: choice.ConfirmRemoval, Rehash: choice.Rehash, RetryFailed: choice.RetryFailed}
	job, err := s.jobs.Index(ctx, source.Collection, params)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.scans[source.ID] = job.ID
	}
	return job, err
}

// Condition implements web.Sources.
func (*Sources) Condition(_ context.Context, source catalog.KeptSource) watch.Condition {
	switch source.Last.State {
	case catalog.JobQueued, catalog.JobRunning:
		return watch.Condition{State: watch.Scanning, Events: "nobody follows them here"}
	case catalog.JobFailed:
		return watch.Condition{State: watch.Failed, Detail: source.Last.Error, Events: "nobody follows them here"}
	}
	return watch.Condition{State: watch.InStep, Events: "nobody follows them here"}
}
