package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"polylens/indexer/catalog"
)

// RenameCollection gives a collection, with its jobs, its runs and the keys that are
// limited to it, another name in one transaction. Its ID stays, and so do images, vectors and index. ErrInvalid for a bad
// name; ErrConflict when the name is taken, even if only by a job that is to create the
// collection, and while a job of the collection runs. It returns the collection with
// its counts.
func (s *Store) RenameCollection(ctx context.Context, name, to string) (catalog.Collection, error) {
	if err := catalog.ValidateCollectionName(to); err != nil {
		return catalog.Collection{}, err
	}
	if name != to {
		err := s.Jobs(nil).change(ctx, 0, func(tx *sql.Tx, next int64, now time.Time) error {
			return renaming{tx, name, to, now}.all(ctx, next)
		})
		if err != nil {
			return catalog.Collection{}, fmt.Errorf("rename collection %.80q to %q: %w", name, to, err)
		}
	}
	return s.Collection(ctx, to)
}

// renaming is the transaction of RenameCollection. Until it ends, no job can be
// added, begin or end.
type renaming struct {
	tx       *sql.Tx
	name, to string
	now      time.Time
}

// all does everything; next is the number of the next change of a job.
func (r renaming) all(ctx context.Context, next int64) error {
	if err := r.check(ctx); err != nil {
		return err
	}
	if err := r.exec(ctx, `UPDATE collections SET name = $2 WHERE name = $1`, r.name, r.to); err != nil {
		return err
	}
	if err := r.moveKeys(ctx); err != nil {
		return err
	}
	if err := r.moveRuns(ctx); err != nil {
		return err
	}
	return r.moveJobs(ctx, next)
}

func (r renaming) exec(ctx context.Context, statement string, args ...any) error {
	_, err := r.tx.ExecContext(ctx, statement, args...)
	return err
}

// check refuses what RenameCollection does not allow.
func (r renaming) check(ctx context.Context) error {
	there, err := r.find(ctx, `SELECT name FROM collections WHERE name = $1`, r.name)
	other, otherErr := r.find(ctx, `SELECT name FROM collections WHERE name = $1`, r.to)
	// A job whose worker fell silent starts again, under the new name.
	running, runningErr := r.find(ctx, `SELECT id FROM jobs WHERE collection = $1 AND state = 'running' AND expires > $2 LIMIT 1`,
		r.name, millis(r.now))
	ordered, orderedErr := r.find(ctx, `SELECT id FROM jobs WHERE collection = $1 AND state IN ('queued', 'running', 'paused') LIMIT 1`, r.to)
	switch err := errors.Join(err, otherErr, runningErr, orderedErr); {
	case err != nil:
		return err
	case there == "":
		return catalog.ErrCollectionNotFound
	case other != "":
		return taken(r.to)
	case running != "":
		return catalog.Conflict("job %s works on it: wait for it, or cancel it", running)
	case ordered != "":
		return catalog.Conflict("job %s is to fill a collection of that name: wait for it, or cancel it", ordered)
	}
	return nil
}

// find returns the first value that the query gives, or "".
func (r renaming) find(ctx context.Context, query string, args ...any) (string, error) {
	found, err := stringColumn(ctx, r.tx, query, args...)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// moveRuns also changes the configurations, from which interrupted runs are
// resumed.
func (r renaming) moveRuns(ctx context.Context) error {
	var runs []catalog.Run
	err := each(ctx, r.tx, func(scan func(...any) error) error {
		run := catalog.Run{Collection: r.name}
		var config string
		err := scan(&run.ID, &config)
		run.Config = []byte(config)
		runs = append(runs, run)
		return err
	}, `SELECT id, config FROM runs WHERE collection = $1`, r.name)
	if err != nil {
		return err
	}
	for _, run := range runs {
		run.RenameCollection(r.to)
		if err := r.exec(ctx, `UPDATE runs SET collection = $2, config = $3 WHERE id = $1`, run.ID, run.Collection, string(run.Config)); err != nil {
			return err
		}
	}
	return nil
}

func (r renaming) moveJobs(ctx context.Context, next int64) error {
	err := r.exec(ctx, `UPDATE jobs SET collection = $2, exclusive = CASE WHEN exclusive = $3 THEN CAST($4 AS TEXT) ELSE exclusive END
		WHERE collection = $1`, r.name, r.to, catalog.ExclusiveCollection(r.name), catalog.ExclusiveCollection(r.to))
	if err != nil {
		return err
	}
	// An earlier collection of that name may have left its turns.
	err = r.exec(ctx, `INSERT INTO job_turns (kind, collection, turn)
		SELECT kind, CAST($2 AS TEXT), turn FROM job_turns WHERE collection = $1 ON CONFLICT DO NOTHING`, r.name, r.to)
	if err != nil {
		return err
	}
	if err := r.exec(ctx, `DELETE FROM job_turns WHERE collection = $1`, r.name); err != nil {
		return err
	}
	return r.tellJobs(ctx, next)
}

// tellJobs gives waiting jobs new numbers, so that whoever follows them hears of
// their new name.
func (r renaming) tellJobs(ctx context.Context, next int64) error {
	waiting, err := stringColumn(ctx, r.tx, `SELECT id FROM jobs WHERE collection = $1 AND state IN ('queued', 'paused') ORDER BY id`, r.to)
	if err != nil {
		return err
	}
	for i, id := range waiting {
		if err := r.exec(ctx, `UPDATE jobs SET sequence = $2 WHERE id = $1`, id, next+int64(i)); err != nil {
			return err
		}
	}
	return r.exec(ctx, `UPDATE job_sequence SET value = value + $1`, len(waiting))
}
