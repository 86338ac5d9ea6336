package jobs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"polylens/indexer/catalog"
)

const (
	tidyEvery = 10 * time.Minute
	batch     = 500 // jobs of one transaction that deletes, or of one look for silent workers
)

// look takes jobs away from silent workers, and now and then deletes old ones.
func (w *Worker) look(ctx context.Context) {
	if err := w.takeOver(ctx); ctx.Err() == nil {
		w.takingOver.about(w.settings.Log, "cannot take over jobs of silent workers, trying again", err)
	}
	if time.Since(w.tidied) < tidyEvery {
		return
	}
	w.tidied = time.Now()
	if err := w.tidy(ctx); err != nil && ctx.Err() == nil {
		w.settings.Log.Error("cannot delete old jobs, trying again later", "error", err)
	}
}

// takeOver puts jobs whose lease has ended back into the queue.
func (w *Worker) takeOver(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	expired, err := w.queue.store.Expired(ctx, slices.Sorted(maps.Keys(w.queue.kinds)), batch)
	if err != nil {
		return err
	}
	for _, job := range expired {
		job, err := w.queue.change(ctx, job.ID, w.queue.kinds[job.Kind].lose)
		switch {
		case err == nil:
			w.settings.Log.Warn("the worker of a job fell silent", "job", job.ID, "kind", job.Kind, "collection", job.Collection)
			w.tellCanceled(ctx, job)
		case !errors.Is(err, errNotExpired) && !errors.Is(err, catalog.ErrNotFound):
			return err
		}
	}
	return nil
}

// tidy deletes old jobs in batches, so that no transaction takes long.
func (w *Worker) tidy(ctx context.Context) error {
	for {
		call, cancel := context.WithTimeout(ctx, callLimit)
		deleted, err := w.queue.store.Delete(call, w.settings.Keep, batch)
		cancel()
		if err != nil || deleted < batch {
			return err
		}
	}
}
