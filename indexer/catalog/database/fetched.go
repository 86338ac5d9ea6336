package database

import (
	"context"
	"database/sql"
	"fmt"

	"polylens/indexer/catalog"
)

// Fetched returns where the picture that an image has now was fetched from. It is false for
// one that has come in another way.
func (s *Store) Fetched(ctx context.Context, image string) (found catalog.Fetched, ok bool, err error) {
	err = each(ctx, s.read, func(scan func(...any) error) error {
		found, ok = catalog.Fetched{Image: image}, true
		return scan(&found.URL, &found.SHA256, &found.Validators)
	}, `SELECT fetched.url, fetched.sha256, fetched.validators FROM fetched JOIN images ON images.id = fetched.image_id
		WHERE fetched.image_id = $1 AND images.sha256 = fetched.sha256`, image)
	if err != nil {
		return found, false, fmt.Errorf("read where image %.32s was fetched from: %w", image, err)
	}
	return found, ok, nil
}

// saveFetched keeps where the picture of an image was fetched from, if the image has it.
func saveFetched(ctx context.Context, tx *sql.Tx, f catalog.Fetched) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO fetched (image_id, url, sha256, validators)
		SELECT id, $2, sha256, $3 FROM images WHERE id = $1 AND sha256 = $4
		ON CONFLICT (image_id) DO UPDATE SET url = excluded.url, sha256 = excluded.sha256, validators = excluded.validators`,
		f.Image, f.URL, f.Validators, f.SHA256)
	return err
}
