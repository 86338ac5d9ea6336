package web

import (
	"context"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
)

// run is a run that the caller may see. To others it does not exist.
func (s *server) run(ctx context.Context, id string) (catalog.Run, error) {
	run, err := s.Runs.Run(ctx, id)
	if err == nil && !callerOf(ctx).rights.allows(run.Collection) {
		return catalog.Run{}, fmt.Errorf("run %.80q: %w", id, catalog.ErrNotFound)
	}
	return run, err
}

// checkRun refuses a run that the caller may not see.
func (s *server) checkRun(ctx context.Context, id string) error {
	if callerOf(ctx).rights == nil {
		return nil
	}
	_, err := s.run(ctx, id)
	return err
}

// steerRun is command for a run that is there already.
func (s *server) steerRun(ctx context.Context, id string, do func(Trainer) (catalog.Run, error)) (*acceptedRun, error) {
	return s.command(ctx, func(trainer Trainer) (catalog.Run, error) {
		if err := s.checkRun(ctx, id); err != nil {
			return catalog.Run{}, err
		}
		return do(trainer)
	})
}

// seenRuns is Runs.Runs of those that the caller may see. Runs are few: looking at more of
// them than are shown costs little.
func (s *server) seenRuns(ctx context.Context, collection, before string, limit int) ([]catalog.Run, error) {
	who := callerOf(ctx).rights
	if who.limit() == nil {
		return s.Runs.Runs(ctx, collection, before, limit)
	}
	var seen []catalog.Run
	for len(seen) < limit {
		page, err := s.Runs.Runs(ctx, collection, before, limit)
		if err != nil || len(page) == 0 {
			return seen, err
		}
		before = page[len(page)-1].ID
		seen = append(seen, slices.DeleteFunc(page, func(run catalog.Run) bool { return !who.allows(run.Collection) })...)
	}
	return seen[:limit], nil
}
