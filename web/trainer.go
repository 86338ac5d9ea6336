package web

import (
	"context"
	"fmt"

	"polylens/indexer/catalog"
)

// Runs keeps trainings and their curves; *database.Store is one. Unknown runs are
// catalog.ErrNotFound.
type Runs interface {
	// Runs returns up to limit runs, newest first, beginning before the run with
	// ID before ("" for the newest). An empty collection means all.
	Runs(ctx context.Context, collection, before string, limit int) ([]catalog.Run, error)
	Run(ctx context.Context, id string) (catalog.Run, error)
	// RunSeries returns curves by name; names without points are left out.
	RunSeries(ctx context.Context, id string, choice catalog.RunPoints) ([]catalog.RunSeries, error)
	// WatchRuns calls changed, which returns at once, with news of every run until
	// stop is called. changed must not alter the news.
	WatchRuns(changed func(catalog.RunNews)) (stop func())
}

// Trainer trains models, in the background. Its methods return as soon as what
// they ask for has begun; the run shows how it ends. Unknown runs are
// catalog.ErrNotFound; what the state of a run does not allow is
// catalog.ErrConflict.
type Trainer interface {
	// Start checks an order and queues a run. A mistake in the order is
	// catalog.ErrInvalid.
	Start(ctx context.Context, order catalog.RunOrder) (catalog.Run, error)
	// Resume goes on with a stopped, failed or interrupted run, from its last
	// checkpoint.
	Resume(ctx context.Context, id string) (catalog.Run, error)
	// Stop ends a run after its present step, and a checkpoint.
	Stop(ctx context.Context, id string) (catalog.Run, error)
	// Activate lets searches use the model of a finished run, once its index is
	// complete. A model that did not pass the forgetting gate is
	// catalog.ErrForgotten unless force is given.
	Activate(ctx context.Context, id string, force bool) (catalog.Run, error)
	// RollBack lets searches use the model again that they used before an
	// activated run.
	RollBack(ctx context.Context, id string) (catalog.Run, error)
	// Delete removes a run, its curves and its checkpoints, not the model that it
	// wrote. catalog.ErrConflict while it is trained, or searches use its model.
	Delete(ctx context.Context, id string) error
}

// noRuns is a Runs for servers that keep none.
type noRuns struct{}

func (noRuns) Runs(context.Context, string, string, int) ([]catalog.Run, error) { return nil, nil }

func (noRuns) Run(_ context.Context, id string) (catalog.Run, error) {
	return catalog.Run{}, fmt.Errorf("run %.80q: %w", id, catalog.ErrNotFound)
}

func (noRuns) RunSeries(context.Context, string, catalog.RunPoints) ([]catalog.RunSeries, error) {
	return nil, nil
}

func (noRuns) WatchRuns(func(catalog.RunNews)) (stop func()) { return func() {} }
