package database

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"polylens/indexer/catalog"
)

// RunSeries returns the curves of a run by name. Where there are more points
// than asked for, the first and the last stay and, from equal stretches between
// them, the lowest and the highest, so that no peak is lost. Values that are not
// finite count as higher than all others. Neither a lack of points nor an unknown
// run is an error.
func (s *Store) RunSeries(ctx context.Context, id string, choice catalog.RunPoints) ([]catalog.RunSeries, error) {
	if choice.Most != 0 && choice.Most < 4 {
		return nil, fmt.Errorf("%d points are %w: ask for 4 or more", choice.Most, catalog.ErrInvalid)
	}
	extents, err := s.runExtents(ctx, id, choice)
	if err != nil {
		return nil, err
	}
	all := make([]catalog.RunSeries, len(extents))
	for i, extent := range extents {
		if all[i], err = s.runSeries(ctx, id, choice, extent); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// runExtent describes a curve before it is read.
type runExtent struct {
	name        string
	count       int
	first, last int64
}

func (s *Store) runExtents(ctx context.Context, id string, choice catalog.RunPoints) ([]runExtent, error) {
	var extents []runExtent
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var e runExtent
		err := scan(&e.name, &e.count, &e.first, &e.last)
		if len(choice.Names) == 0 || slices.Contains(choice.Names, e.name) {
			extents = append(extents, e)
		}
		return err
	}, `SELECT name, count(*), min(step), max(step) FROM run_points
		WHERE run = $1 AND step >= $2 GROUP BY name ORDER BY name`, id, choice.From)
	if err != nil {
		return nil, fmt.Errorf("read curves of run %s: %w", id, err)
	}
	return extents, nil
}

func (s *Store) runSeries(ctx context.Context, id string, choice catalog.RunPoints, extent runExtent) (catalog.RunSeries, error) {
	thin := newThinning(extent, choice.Most)
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var step int64
		var value sql.NullFloat64
		if err := scan(&step, &value); err != nil {
			return err
		}
		if !value.Valid {
			value.Float64 = math.NaN()
		}
		thin.add(step, value.Float64)
		return nil
	}, `SELECT step, value FROM run_points WHERE run = $1 AND name = $2 AND step >= $3 AND step <= $4 ORDER BY step`,
		id, extent.name, choice.From, extent.last)
	if err != nil {
		return catalog.RunSeries{}, fmt.Errorf("read curve %q of run %s: %w", extent.name, id, err)
	}
	return thin.done(), nil
}

// saveRunPoints stores points within tx, replacing those that are already there.
func saveRunPoints(ctx context.Context, tx *sql.Tx, id string, points []catalog.RunPoint) error {
	for _, p := range points {
		value := sql.NullFloat64{Float64: p.Value, Valid: !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0)}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO run_points (run, name, step, value) VALUES ($1, $2, $3, $4)
			ON CONFLICT (run, name, step) DO UPDATE SET value = excluded.value`, id, p.Name, p.Step, value); err != nil {
			return fmt.Errorf("save %q of run %s at step %d: %w", p.Name, id, p.Step, err)
		}
	}
	return nil
}
