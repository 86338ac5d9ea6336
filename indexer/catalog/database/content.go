package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
)

// Content returns what is known of a content that an image has, or had before it was
// removed; catalog.ErrNotFound otherwise.
func (s *Store) Content(ctx context.Context, contentSHA256 string) (catalog.Content, error) {
	var found []catalog.Content
	err := each(ctx, s.read, func(scan func(...any) error) error {
		c := catalog.Content{SHA256: contentSHA256}
		err := scan(&c.Width, &c.Height, &c.Format, &c.Color, &c.Warning, &c.Embedded)
		found = append(found, c)
		return err
	}, `SELECT width, height, format, color, `+warning+`, embedded FROM images WHERE sha256 = $1
		UNION SELECT width, height, format, color, warning, embedded FROM removed_contents WHERE sha256 = $1
		ORDER BY 6 DESC, 5 DESC LIMIT 1`, contentSHA256)
	if err != nil {
		return catalog.Content{}, fmt.Errorf("read what is known of content %.16s: %w", contentSHA256, err)
	}
	if len(found) == 0 {
		return catalog.Content{}, fmt.Errorf("%w: content %.80q", catalog.ErrNotFound, contentSHA256)
	}
	return found[0], nil
}

// warning is what is noted of a row of the table images.
const warning = `COALESCE((SELECT reason FROM failures
	WHERE failures.collection = images.collection AND failures.uri = images.uri AND failures.kind = 'incomplete'), '')`

// Contents returns the SHA-256 of the files of those of ids that the collection has, by
// ID.
func (s *Store) Contents(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]string, error) {
	found := make(map[string]string, len(ids))
	for chunk := range slices.Chunk(ids, maxList) {
		list, args := inList(2, chunk)
		err := each(ctx, s.read, func(scan func(...any) error) error {
			var id, content string
			err := scan(&id, &content)
			found[id] = content
			return err
		}, `SELECT id, sha256 FROM images WHERE collection = $1 AND id IN (`+list+`)`, append([]any{collection}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read contents of images: %w", err)
		}
	}
	return found, nil
}

// PushedContents returns the sizes in bytes, by SHA-256, of those of some contents that a
// pushed image of a collection has.
func (s *Store) PushedContents(ctx context.Context, collection catalog.CollectionID, sums []string) (map[string]int64, error) {
	found := make(map[string]int64)
	for chunk := range slices.Chunk(sums, maxList) {
		list, args := inList(3, chunk)
		err := each(ctx, s.read, func(scan func(...any) error) error {
			var sum string
			var size int64
			err := scan(&sum, &size)
			found[sum] = size
			return err
		}, `SELECT sha256, size FROM images WHERE collection = $1 AND source = $2 AND sha256 IN (`+list+`)`,
			append([]any{collection, catalog.PushedSource}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("look for contents: %w", err)
		}
	}
	return found, nil
}

// keepContents remembers the contents of images that are about to be removed; which
// they are is a condition on the table images.
func keepContents(ctx context.Context, tx *sql.Tx, condition string, args ...any) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO removed_contents (sha256, width, height, format, color, warning, embedded)
		SELECT sha256, width, height, format, color, `+warning+`, embedded FROM images WHERE `+condition+`
		ON CONFLICT (sha256) DO NOTHING`, args...)
	return err
}

// purgeContents forgets the contents that have no vector.
func purgeContents(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM removed_contents
		WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = removed_contents.sha256)`)
	return err
}
