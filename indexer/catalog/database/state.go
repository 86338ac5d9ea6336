package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
)

// States returns the states, under a model, of the images among ids that exist.
func (s *Store) States(ctx context.Context, fingerprint string, ids []string) (map[string]catalog.State, error) {
	found := make(map[string]catalog.State, len(ids))
	for chunk := range slices.Chunk(ids, maxList) {
		list, args := inList(2, chunk)
		err := each(ctx, s.read, func(scan func(...any) error) error {
			var id string
			var state catalog.State
			err := scan(&id, &state.SHA256, &state.Size, &state.Modified, &state.Changed, &state.Digest, &state.Source, &state.Embedded,
				&state.Encoded, &state.Indexed)
			found[id] = state
			return err
		}, `SELECT images.id, images.sha256, size, modified, changed, images.digest, source, images.embedded,
				CASE WHEN vectors.sha256 IS NULL THEN 0 ELSE 1 END,
				CASE WHEN indexed.digest = images.digest THEN 1 ELSE 0 END
			FROM images
			LEFT JOIN vectors ON vectors.sha256 = images.sha256 AND vectors.fingerprint = $1
			LEFT JOIN indexed ON indexed.image_id = images.id AND indexed.fingerprint = $1
			WHERE images.id IN (`+list+`)`, append([]any{fingerprint}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read states of images: %w", err)
		}
	}
	return found, nil
}

// NoteChanged notes when the inodes of images' files changed last, by ID, in
// nanoseconds.
func (s *Store) NoteChanged(ctx context.Context, inodes map[string]int64) error {
	if len(inodes) == 0 {
		return nil
	}
	err := s.update(ctx, func(tx *sql.Tx) error {
		for id, at := range inodes {
			if _, err := tx.ExecContext(ctx, `UPDATE images SET changed = $2 WHERE id = $1`, id, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note change times of %d images: %w", len(inodes), err)
	}
	return nil
}

// SourceImages calls yield with ID and URI of every image that was found in a
// source, in order of ID.
func (s *Store) SourceImages(ctx context.Context, collection catalog.CollectionID, source string, yield func(id, uri string) error) error {
	const page = 5000 // so that no read stays open while yield works
	after := ""
	for {
		var ids, uris []string
		err := each(ctx, s.read, func(scan func(...any) error) error {
			var id, uri string
			err := scan(&id, &uri)
			ids, uris = append(ids, id), append(uris, uri)
			return err
		}, `SELECT id, uri FROM images WHERE collection = $1 AND source = $2 AND id > $3 ORDER BY id LIMIT $4`,
			collection, source, after, page)
		if err != nil {
			return fmt.Errorf("read images of source %s: %w", source, err)
		}
		for i, id := range ids {
			if err := yield(id, uris[i]); err != nil {
				return err
			}
		}
		if len(ids) < page {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// Sources lists the names of the sources that the images of a collection were
// found in.
func (s *Store) Sources(ctx context.Context, collection catalog.CollectionID) ([]string, error) {
	sources, err := stringColumn(ctx, s.read,
		`SELECT DISTINCT source FROM images WHERE collection = $1 ORDER BY source`, collection)
	if err != nil {
		return nil, fmt.Errorf("read sources of %q: %w", collection, err)
	}
	return sources, nil
}
