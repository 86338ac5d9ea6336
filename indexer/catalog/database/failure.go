package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
)

const selectFailure = `SELECT uri, source, kind, reason, size, modified, changed, decoder, created FROM failures WHERE collection = $1`

// SaveFailures notes failures of a collection, replacing what was noted for
// the same URIs.
func (s *Store) SaveFailures(ctx context.Context, collection catalog.CollectionID, failures []catalog.Failure) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		for _, f := range failures {
			if err := s.saveFailure(ctx, tx, collection, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save %d failures of %q: %w", len(failures), collection, err)
	}
	return nil
}

func (s *Store) saveFailure(ctx context.Context, tx *sql.Tx, collection catalog.CollectionID, f catalog.Failure) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO failures (collection, uri, source, kind, reason, size, modified, changed, decoder, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (collection, uri) DO UPDATE SET source = excluded.source, kind = excluded.kind,
			reason = excluded.reason, size = excluded.size, modified = excluded.modified,
			changed = excluded.changed, decoder = excluded.decoder`,
		collection, f.URI, f.Source, f.Kind, f.Reason, f.Size, nanos(f.Modified), nanos(f.Changed), f.Decoder, millis(s.now()))
	return err
}

// Failures returns up to limit failures of a collection in order of URI,
// beginning after the given one: those of some kinds, or of all.
func (s *Store) Failures(ctx context.Context, collection catalog.CollectionID, afterURI string, limit int, kinds ...catalog.FailureKind) ([]catalog.Failure, error) {
	query, args := selectFailure+` AND uri > $2`, []any{collection, afterURI, limit}
	if len(kinds) > 0 {
		list, more := inList(4, kinds)
		query, args = query+` AND kind IN (`+list+`)`, append(args, more...)
	}
	return s.failures(ctx, query+` ORDER BY uri LIMIT $3`, args...)
}

// ListFailures is Failures for the collection of a name, in pages: it returns also the
// cursor of the next page, empty at the end. A cursor that did not come from this method
// is catalog.ErrInvalid.
func (s *Store) ListFailures(ctx context.Context, name, cursor string, limit int, kinds ...catalog.FailureKind) ([]catalog.Failure, string, error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("limit %d is %w: use 1 or more", limit, catalog.ErrInvalid)
	}
	after, err := afterCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	collection, err := s.UncountedCollection(ctx, name)
	if err != nil {
		return nil, "", err
	}
	failures, err := s.Failures(ctx, collection.ID, after, limit+1, kinds...)
	if err != nil || len(failures) <= limit {
		return failures, "", err
	}
	failures = failures[:limit]
	return failures, cursorAfter(failures[limit-1].URI), nil
}

// FailuresOf returns what is noted for the given URIs, by URI.
func (s *Store) FailuresOf(ctx context.Context, collection catalog.CollectionID, uris []string) (map[string]catalog.Failure, error) {
	found := make(map[string]catalog.Failure)
	for chunk := range slices.Chunk(uris, maxList) {
		list, args := inList(2, chunk)
		failures, err := s.failures(ctx, selectFailure+` AND uri IN (`+list+`)`, append([]any{collection}, args...)...)
		if err != nil {
			return nil, err
		}
		for _, failure := range failures {
			found[failure.URI] = failure
		}
	}
	return found, nil
}

func (s *Store) failures(ctx context.Context, query string, args ...any) ([]catalog.Failure, error) {
	failures := []catalog.Failure{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var f catalog.Failure
		var modified, inodeChanged, created int64
		err := scan(&f.URI, &f.Source, &f.Kind, &f.Reason, &f.Size, &modified, &inodeChanged, &f.Decoder, &created)
		f.Modified, f.Changed, f.Created = fromNanos(modified), fromNanos(inodeChanged), fromMillis(created)
		failures = append(failures, f)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	return failures, nil
}

// PruneFailures forgets the failures of a source for whose URI keep is false.
func (s *Store) PruneFailures(ctx context.Context, collection catalog.CollectionID, source string, keep func(uri string) bool) error {
	uris, err := stringColumn(ctx, s.read,
		`SELECT uri FROM failures WHERE collection = $1 AND source = $2`, collection, source)
	if err != nil {
		return fmt.Errorf("read failures of %q: %w", collection, err)
	}
	uris = slices.DeleteFunc(uris, keep)
	if len(uris) == 0 {
		return nil
	}
	err = s.update(ctx, func(tx *sql.Tx) error {
		for chunk := range slices.Chunk(uris, maxList) {
			list, args := inList(2, chunk)
			if _, err := tx.ExecContext(ctx, `DELETE FROM failures WHERE collection = $1 AND uri IN (`+list+`)`,
				append([]any{collection}, args...)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prune failures of %q: %w", collection, err)
	}
	return nil
}
