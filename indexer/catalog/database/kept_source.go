package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"polylens/indexer/catalog"
)

const selectKept = `SELECT kept_sources.id, collections.name, directory, settings, every, events, job, lead, kept_sources.created
	FROM kept_sources JOIN collections ON collections.id = kept_sources.collection`

// CreateKeptSource adds a folder that a collection, by its name, is kept in step with.
// ErrConflict if it is one already, or if the collection has too many.
func (s *Store) CreateKeptSource(ctx context.Context, source catalog.KeptSource) error {
	if err := source.Validate(); err != nil {
		return err
	}
	err := s.update(ctx, func(tx *sql.Tx) error {
		// Writing to the collection's row first lets nobody else add one meanwhile.
		result, err := tx.ExecContext(ctx, `UPDATE collections SET name = name WHERE name = $1`, source.Collection)
		if err != nil {
			return err
		}
		if changed(result) == 0 {
			return fmt.Errorf("%w: %.80q", catalog.ErrCollectionNotFound, source.Collection)
		}
		result, err = tx.ExecContext(ctx, `INSERT INTO kept_sources (id, collection, directory, settings, every, events, job, lead, created)
			SELECT $2, id, $3, $4, $5, $6, '', '', $7 FROM collections
			WHERE name = $1 AND (SELECT COUNT(*) FROM kept_sources WHERE collection = collections.id) < $8
			ON CONFLICT DO NOTHING`, source.Collection, source.ID, source.Directory, string(source.Settings),
			source.Every.Milliseconds(), number(source.Events), millis(s.now()), catalog.MaxKeptSources)
		if err == nil && changed(result) == 0 {
			err = catalog.Conflict("collection %q is kept in step with %s already, or with %d folders", source.Collection, source.Directory, catalog.MaxKeptSources)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add source %.200s: %w", source.Directory, err)
	}
	return nil
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// KeptSources lists the folders that a collection is kept in step with, or, with an empty
// name, those of all collections, with their last scans, oldest first.
func (s *Store) KeptSources(ctx context.Context, collection string) ([]catalog.KeptSource, error) {
	if collection == "" {
		return s.keptSources(ctx, "")
	}
	if _, err := s.UncountedCollection(ctx, collection); err != nil {
		return nil, err
	}
	return s.keptSources(ctx, ` WHERE collections.name = $1`, collection)
}

// KeptSource returns one of a collection, or ErrNotFound.
func (s *Store) KeptSource(ctx context.Context, collection, id string) (catalog.KeptSource, error) {
	found, err := s.keptSources(ctx, ` WHERE collections.name = $1 AND kept_sources.id = $2`, collection, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("source %.80q of collection %.80q: %w", id, collection, catalog.ErrNotFound)
	}
	if err != nil {
		return catalog.KeptSource{}, err
	}
	return found[0], nil
}

// KeptFolder returns the ID of the source of a collection that is a folder; empty if it is
// not kept in step.
func (s *Store) KeptFolder(ctx context.Context, collection, directory string) (string, error) {
	found, err := stringColumn(ctx, s.read, `SELECT id FROM kept_sources
		WHERE collection = `+collectionNamed(1)+` AND directory = $2`, collection, directory)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

func (s *Store) keptSources(ctx context.Context, where string, args ...any) ([]catalog.KeptSource, error) {
	found := []catalog.KeptSource{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var source catalog.KeptSource
		var settings string
		var every, created int64
		var events int
		err := scan(&source.ID, &source.Collection, &source.Directory, &settings, &every, &events, &source.Last.ID, &source.Lead, &created)
		source.Settings, source.Events = json.RawMessage(settings), events == 1
		source.Every, source.Created = time.Duration(every)*time.Millisecond, fromMillis(created)
		found = append(found, source)
		return err
	}, selectKept+where+` ORDER BY kept_sources.created, kept_sources.id`, args...)
	if err == nil {
		err = s.addScans(ctx, found)
	}
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return found, nil
}

// addScans completes the last scans of sources.
func (s *Store) addScans(ctx context.Context, sources []catalog.KeptSource) error {
	for i, source := range sources {
		if source.Last.ID == "" {
			continue
		}
		jobs, err := readJobs(ctx, s.read, ` FROM jobs WHERE id = $1`, source.Last.ID)
		if err != nil {
			return err
		}
		sources[i].Last = catalog.Job{}
		if len(jobs) > 0 {
			sources[i].Last = jobs[0]
		}
	}
	return nil
}

// ChangeKeptSource keeps another interval, and whether events count, of a source.
func (s *Store) ChangeKeptSource(ctx context.Context, source catalog.KeptSource) error {
	if err := source.Validate(); err != nil {
		return err
	}
	result, err := s.exec(ctx, `UPDATE kept_sources SET every = $3, events = $4 WHERE id = $2 AND collection = `+collectionNamed(1),
		source.Collection, source.ID, source.Every.Milliseconds(), number(source.Events))
	return keptChange("change", source.ID, result, err)
}

// DeleteKeptSource ends that a collection is kept in step with a folder. What was indexed
// from it stays.
func (s *Store) DeleteKeptSource(ctx context.Context, collection, id string) error {
	result, err := s.exec(ctx, `DELETE FROM kept_sources WHERE id = $2 AND collection = `+collectionNamed(1), collection, id)
	return keptChange("remove", id, result, err)
}

func keptChange(what, id string, result sql.Result, err error) error {
	if err == nil && changed(result) == 0 {
		err = catalog.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s source %.80q: %w", what, id, err)
	}
	return nil
}

// noteScan makes a job that is being added the last scan of its source, as Scan says. Jobs
// are locked: of several processes that have seen the same scan end, one orders the next.
func noteScan(ctx context.Context, tx *sql.Tx, job catalog.Job) error {
	if job.Scan == nil {
		return nil
	}
	condition, args := "", []any{job.Scan.Source, job.Collection, job.ID, job.Scan.Lead}
	if !job.Scan.Forced {
		args = append(args, job.Scan.After)
		condition = ` AND (job = $5 OR $5 = '' AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job))
			AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job AND state IN ('queued', 'running', 'paused'))`
	}
	result, err := tx.ExecContext(ctx, `UPDATE kept_sources SET job = $3, lead = $4
		WHERE id = $1 AND collection = `+collectionNamed(2)+condition, args...)
	if err == nil && changed(result) == 0 {
		err = catalog.Conflict("source %.80q is gone, or has a scan that has not ended", job.Scan.Source)
	}
	return err
}
