package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
	"polylens/indexer/metadata"
)

const selectPending = `SELECT images.id, images.digest, images.metadata, vectors.fp16` + fromPending

const fromPending = `
	FROM images
	JOIN vectors ON vectors.sha256 = images.sha256 AND vectors.fingerprint = $2
	LEFT JOIN indexed ON indexed.image_id = images.id AND indexed.fingerprint = $2
	WHERE images.collection = $1 AND (indexed.digest IS NULL OR indexed.digest <> images.digest)`

const pendingPage = ` AND images.id > $3 ORDER BY images.id LIMIT $4`

// Pending returns up to limit rows, in order of ID and beginning after the
// given one, that have a vector of the model and whose present state its index
// has not acknowledged.
func (s *Store) Pending(ctx context.Context, collection catalog.CollectionID, fingerprint, after string, limit int) ([]catalog.IndexRow, error) {
	return s.pending(ctx, selectPending+pendingPage,
		collection, fingerprint, after, limit)
}

// PendingIDs returns the IDs of all rows that Pending would return, in no particular order.
func (s *Store) PendingIDs(ctx context.Context, collection catalog.CollectionID, fingerprint string) ([]string, error) {
	ids, err := stringColumn(ctx, s.read, `SELECT images.id`+fromPending, collection, fingerprint)
	if err != nil {
		return nil, fmt.Errorf("read ids to index of %q: %w", collection, err)
	}
	return ids, nil
}

// PendingOf is Pending for the given images only.
func (s *Store) PendingOf(ctx context.Context, collection catalog.CollectionID, fingerprint string, ids []string) ([]catalog.IndexRow, error) {
	var rows []catalog.IndexRow
	for chunk := range slices.Chunk(ids, maxList) {
		list, args := inList(3, chunk)
		found, err := s.pending(ctx, selectPending+` AND images.id IN (`+list+`) ORDER BY images.id`,
			append([]any{collection, fingerprint}, args...)...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

func (s *Store) pending(ctx context.Context, query string, args ...any) ([]catalog.IndexRow, error) {
	var rows []catalog.IndexRow
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var row catalog.IndexRow
		var about string
		var data []byte
		err := scan(&row.ID, &row.Digest, &about, &data)
		if err != nil {
			return err
		}
		if row.Metadata, err = metadata.Stored([]byte(about)); err != nil {
			return fmt.Errorf("metadata of image %s: %w", row.ID, err)
		}
		row.Vector, err = decodeHalf(data)
		rows = append(rows, row)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read rows to index: %w", err)
	}
	return rows, nil
}

// MarkIndexed notes that the index of a model has acknowledged rows of a collection. Of
// images that were deleted meanwhile it returns the IDs: the index may have taken them
// after it was told to forget them, so they have a tombstone again.
func (s *Store) MarkIndexed(ctx context.Context, collection catalog.CollectionID, fingerprint string, rows []catalog.IndexRow) (gone []string, err error) {
	err = s.updateRepeatedly(ctx, func(tx *sql.Tx) error {
		gone = nil
		for _, row := range rows {
			found, err := markIndexed(ctx, tx, fingerprint, row)
			if err != nil {
				return err
			}
			if !found {
				gone = append(gone, row.ID)
			}
		}
		return addTombstones(ctx, tx, collection, fingerprint, gone)
	})
	if err != nil {
		return nil, fmt.Errorf("mark %d images as indexed: %w", len(rows), err)
	}
	return gone, nil
}

func markIndexed(ctx context.Context, tx *sql.Tx, fingerprint string, row catalog.IndexRow) (found bool, err error) {
	result, err := tx.ExecContext(ctx, `
		INSERT INTO indexed (image_id, fingerprint, digest)
		SELECT id, CAST($1 AS TEXT), CAST($2 AS TEXT) FROM images WHERE id = $3
		ON CONFLICT (image_id, fingerprint) DO UPDATE SET digest = excluded.digest`,
		fingerprint, row.Digest, row.ID)
	if err != nil {
		return false, err
	}
	return changed(result) > 0, nil
}

func addTombstones(ctx context.Context, tx *sql.Tx, collection catalog.CollectionID, fingerprint string, ids []string) error {
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `INSERT INTO tombstones (collection, fingerprint, image_id)
			SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT) FROM collections WHERE id = $1
			ON CONFLICT (collection, fingerprint, image_id) DO NOTHING`, collection, fingerprint, id); err != nil {
			return err
		}
	}
	return nil
}

// IndexedCount is how many images of a collection the index of a model has acknowledged,
// in whatever state they were.
func (s *Store) IndexedCount(ctx context.Context, collection catalog.CollectionID, fingerprint string) (int, error) {
	var count int
	row := s.read.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM images JOIN indexed ON indexed.image_id = images.id AND indexed.fingerprint = $2
		WHERE images.collection = $1`, collection, fingerprint)
	if err := row.Scan(&count); err != nil {
		return 0, fmt.Errorf("count what is indexed of %q: %w", collection, err)
	}
	return count, nil
}

// ForgetIndexed makes every image of a collection pending again for a model.
func (s *Store) ForgetIndexed(ctx context.Context, collection catalog.CollectionID, fingerprint string) error {
	_, err := s.exec(ctx, `
		DELETE FROM indexed WHERE fingerprint = $2
		AND image_id IN (SELECT id FROM images WHERE collection = $1)`, collection, fingerprint)
	if err != nil {
		return fmt.Errorf("forget what is indexed of %q: %w", collection, err)
	}
	return nil
}

// ForgetIndexedImages makes the given images pending again for a model.
func (s *Store) ForgetIndexedImages(ctx context.Context, fingerprint string, ids []string) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		for chunk := range slices.Chunk(ids, maxList) {
			list, args := inList(2, chunk)
			if _, err := tx.ExecContext(ctx, `DELETE FROM indexed WHERE fingerprint = $1 AND image_id IN (`+list+`)`,
				append([]any{fingerprint}, args...)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget %d indexed images: %w", len(ids), err)
	}
	return nil
}

// IndexableIDs returns the images of a collection that have a vector of a
// model: exactly the images that its index has to hold.
func (s *Store) IndexableIDs(ctx context.Context, collection catalog.CollectionID, fingerprint string) ([]string, error) {
	ids, err := stringColumn(ctx, s.read, `
		SELECT images.id FROM images
		JOIN vectors ON vectors.sha256 = images.sha256 AND vectors.fingerprint = $2
		WHERE images.collection = $1`, collection, fingerprint)
	if err != nil {
		return nil, fmt.Errorf("read ids of %q: %w", collection, err)
	}
	return ids, nil
}

// Tombstones returns up to limit IDs that are gone from a collection and that
// the index of a model may still hold.
func (s *Store) Tombstones(ctx context.Context, collection catalog.CollectionID, fingerprint string, limit int) ([]string, error) {
	ids, err := stringColumn(ctx, s.read, `
		SELECT image_id FROM tombstones WHERE collection = $1 AND fingerprint = $2
		ORDER BY image_id LIMIT $3`, collection, fingerprint, limit)
	if err != nil {
		return nil, fmt.Errorf("read tombstones of %q: %w", collection, err)
	}
	return ids, nil
}

// TombstonesOf are those of Tombstones that are among ids.
func (s *Store) TombstonesOf(ctx context.Context, collection catalog.CollectionID, fingerprint string, ids []string) ([]string, error) {
	var found []string
	for chunk := range slices.Chunk(ids, maxList) {
		list, args := inList(3, chunk)
		some, err := stringColumn(ctx, s.read, `
			SELECT image_id FROM tombstones WHERE collection = $1 AND fingerprint = $2 AND image_id IN (`+list+`)
			ORDER BY image_id`, append([]any{collection, fingerprint}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read tombstones of %q: %w", collection, err)
		}
		found = append(found, some...)
	}
	return found, nil
}

// ClearTombstones notes that the index has forgotten ids. An image that came
// back in the meantime becomes pending, because the index may just have lost it.
func (s *Store) ClearTombstones(ctx context.Context, collection catalog.CollectionID, fingerprint string, ids []string) error {
	err := s.updateRepeatedly(ctx, func(tx *sql.Tx) error {
		for chunk := range slices.Chunk(ids, maxList) {
			list, args := inList(2, chunk)
			args = append([]any{fingerprint}, args...)
			if _, err := tx.ExecContext(ctx, `DELETE FROM indexed WHERE fingerprint = $1 AND image_id IN (`+list+`)`, args...); err != nil {
				return err
			}
			list, args = inList(3, chunk)
			args = append([]any{collection, fingerprint}, args...)
			if _, err := tx.ExecContext(ctx, `DELETE FROM tombstones WHERE collection = $1 AND fingerprint = $2 AND image_id IN (`+list+`)`, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clear %d tombstones: %w", len(ids), err)
	}
	return nil
}
