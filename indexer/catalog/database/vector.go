package database

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"polylens/indexer/catalog"
)

// Round returns the unit vector that the store gives back for vector: rounded
// to fp16, then brought back to unit length. An index must be filled with the
// result, so that a rebuild from the catalogue changes nothing.
func Round(vector []float32) []float32 {
	rounded := make([]float32, len(vector))
	for i, x := range vector {
		rounded[i] = fromHalf(toHalf(x))
	}
	normalize(rounded)
	return rounded
}

// saveVector keeps a vector that is already there: its fp16 must not change
// while an index holds it.
func saveVector(ctx context.Context, tx *sql.Tx, contentSHA256, fingerprint string, vector []float32) error {
	if len(vector) == 0 {
		return fmt.Errorf("vector is %w: it is empty", catalog.ErrInvalid)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO vectors (sha256, fingerprint, dimension, fp16) VALUES ($1, $2, $3, $4)
		ON CONFLICT (sha256, fingerprint) DO NOTHING`,
		contentSHA256, fingerprint, len(vector), encodeHalf(vector))
	return err
}

// SaveVectors keeps vectors of contents that images have, by SHA-256.
func (s *Store) SaveVectors(ctx context.Context, fingerprint string, vectors map[string][]float32) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		for _, content := range slices.Sorted(maps.Keys(vectors)) {
			var used bool
			row := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM images WHERE sha256 = $1)`, content)
			if err := row.Scan(&used); err != nil {
				return err
			}
			if !used {
				continue // deleted meanwhile
			}
			if err := saveVector(ctx, tx, content, fingerprint, vectors[content]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save %d vectors: %w", len(vectors), err)
	}
	return nil
}

// WithoutVector returns those of some images that have no vector under a model.
func (s *Store) WithoutVector(ctx context.Context, fingerprint string, ids []string) (missing []string, err error) {
	for chunk := range slices.Chunk(ids, maxList) {
		list, args := inList(2, chunk)
		some, err := stringColumn(ctx, s.read, `SELECT id FROM images WHERE id IN (`+list+`)
			AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = images.sha256 AND fingerprint = $1)`, append([]any{fingerprint}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("look for images without vectors: %w", err)
		}
		missing = append(missing, some...)
	}
	return missing, nil
}

// FoundWithoutVector counts the images of a collection that were found in folders and have
// no vector under a model.
func (s *Store) FoundWithoutVector(ctx context.Context, collection catalog.CollectionID, fingerprint string) (count int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM images WHERE collection = $1 AND source <> $2
		AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = images.sha256 AND fingerprint = $3)`,
		collection, catalog.PushedSource, fingerprint).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count images of %q without vectors: %w", collection, err)
	}
	return count, nil
}

// PushedWithoutVector returns some images of a collection that clients have sent and that
// have no vector under a model, in order of their IDs, of which they are greater than after.
func (s *Store) PushedWithoutVector(ctx context.Context, collection catalog.CollectionID, fingerprint, after string, limit int) ([]string, error) {
	ids, err := stringColumn(ctx, s.read, `SELECT id FROM images WHERE collection = $1 AND source = $2 AND id > $3
		AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = images.sha256 AND fingerprint = $4)
		ORDER BY id LIMIT $5`, collection, catalog.PushedSource, after, fingerprint, limit)
	if err != nil {
		return nil, fmt.Errorf("look for images of %q without vectors: %w", collection, err)
	}
	return ids, nil
}

// Vector returns the unit vector of an image of a collection under a model, or
// catalog.ErrImageNotFound.
func (s *Store) Vector(ctx context.Context, collection catalog.CollectionID, imageID, fingerprint string) ([]float32, error) {
	var data []byte
	err := each(ctx, s.read, func(scan func(...any) error) error { return scan(&data) }, `
		SELECT vectors.fp16 FROM images JOIN vectors ON vectors.sha256 = images.sha256
		WHERE images.id = $1 AND images.collection = $2 AND vectors.fingerprint = $3`, imageID, collection, fingerprint)
	if err != nil {
		return nil, fmt.Errorf("read vector of image %q: %w", imageID, err)
	}
	if data == nil {
		return nil, fmt.Errorf("%w: %.80q, with a vector of the model %.16s", catalog.ErrImageNotFound, imageID, fingerprint)
	}
	return decodeHalf(data)
}

// Vectors returns the known unit vectors of contents under a model, by
// content SHA-256.
func (s *Store) Vectors(ctx context.Context, fingerprint string, contents []string) (map[string][]float32, error) {
	found := make(map[string][]float32, len(contents))
	for chunk := range slices.Chunk(contents, maxList) {
		list, args := inList(2, chunk)
		err := each(ctx, s.read, func(scan func(...any) error) error {
			var content string
			var data []byte
			if err := scan(&content, &data); err != nil {
				return err
			}
			vector, err := decodeHalf(data)
			found[content] = vector
			return err
		}, `SELECT sha256, fp16 FROM vectors WHERE fingerprint = $1 AND sha256 IN (`+list+`)`,
			append([]any{fingerprint}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read vectors: %w", err)
		}
	}
	return found, nil
}

// PurgeVectors removes the vectors that nothing uses: of contents that no image
// has any more, and of models that no index has rows of. They are otherwise kept,
// so that pictures that come back, a folder that was not mounted for a while, or a
// model that is used again need no second encoding.
func (s *Store) PurgeVectors(ctx context.Context) (catalog.Purged, error) {
	var purged catalog.Purged
	err := s.update(ctx, func(tx *sql.Tx) (err error) {
		if purged, err = purgeVectors(ctx, tx); err != nil {
			return err
		}
		return purgeContents(ctx, tx)
	})
	if err != nil {
		return catalog.Purged{}, fmt.Errorf("purge vectors: %w", err)
	}
	return purged, nil
}

func purgeVectors(ctx context.Context, tx *sql.Tx) (catalog.Purged, error) {
	var purged catalog.Purged
	err := each(ctx, tx, func(scan func(...any) error) error {
		var dimension int64
		err := scan(&dimension)
		purged.Vectors++
		purged.Bytes += 2 * dimension
		return err
	}, `DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM images WHERE images.sha256 = vectors.sha256)
		OR fingerprint NOT IN (
			SELECT fingerprint FROM indexed UNION SELECT fingerprint FROM tombstones UNION SELECT fingerprint FROM collections)
		RETURNING dimension`)
	return purged, err
}

// Compact gives the space of removed rows back to the disk. Meanwhile it needs
// room for all that is left.
func (s *Store) Compact(ctx context.Context) error {
	if _, err := s.exec(ctx, `VACUUM`); err != nil {
		return fmt.Errorf("compact the catalogue: %w", err)
	}
	return nil
}
