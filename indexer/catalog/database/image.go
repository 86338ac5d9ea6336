package database

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"polylens/indexer/catalog"
	"polylens/indexer/metadata"
	"polylens/internal/text"
)

const selectImage = `SELECT id, (SELECT name FROM collections WHERE collections.id = images.collection), source, uri, sha256, size, modified, changed, width, height,
	format, color, metadata, created, updated FROM images`

func scanImage(scan func(...any) error) (catalog.Image, error) {
	image := catalog.Image{Captions: []catalog.Caption{}}
	var modified, inodeChanged, created, updated int64
	var about string
	err := scan(&image.ID, &image.Collection, &image.Source, &image.URI, &image.SHA256, &image.Size,
		&modified, &inodeChanged, &image.Width, &image.Height, &image.Format, &image.Color, &about, &created, &updated)
	if err != nil {
		return catalog.Image{}, err
	}
	image.Modified, image.Changed = fromNanos(modified), fromNanos(inodeChanged)
	image.Created, image.Updated = fromMillis(created), fromMillis(updated)
	if image.Metadata, err = metadata.Stored([]byte(about)); err != nil {
		return catalog.Image{}, fmt.Errorf("metadata of image %s: %w", image.ID, err)
	}
	return image, nil
}

// Image returns one image of the collection of a name, by its ID or by that of its client,
// with its captions, or catalog.ErrImageNotFound.
func (s *Store) Image(ctx context.Context, collection, id string) (catalog.Image, error) {
	images, err := s.images(ctx, selectImage+` WHERE (id = $1 OR uri = $3) AND collection = `+collectionNamed(2)+`
		ORDER BY CASE WHEN uri = $3 THEN 0 ELSE 1 END LIMIT 1`, id, collection, catalog.PushedURI(id))
	if err != nil {
		return catalog.Image{}, err
	}
	if len(images) == 0 {
		return catalog.Image{}, fmt.Errorf("%w: %.80q", catalog.ErrImageNotFound, id)
	}
	return images[0], nil
}

// Images returns the images among ids that the collection has, with captions, by ID.
func (s *Store) Images(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]catalog.Image, error) {
	found := make(map[string]catalog.Image, len(ids))
	for chunk := range slices.Chunk(ids, maxList) {
		list, args := inList(2, chunk)
		images, err := s.images(ctx, selectImage+` WHERE collection = $1 AND id IN (`+list+`)`,
			append([]any{collection}, args...)...)
		if err != nil {
			return nil, err
		}
		for _, image := range images {
			found[image.ID] = image
		}
	}
	return found, nil
}

// ListImages returns up to limit images of the collection of a name in order of URI,
// beginning after cursor ("" for the first page), and the cursor of the next
// page, empty at the end. A cursor that did not come from this method is ErrInvalid.
func (s *Store) ListImages(ctx context.Context, collection, cursor string, limit int) ([]catalog.Image, string, error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("limit %d is %w: use 1 or more", limit, catalog.ErrInvalid)
	}
	after, err := afterCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	images, err := s.images(ctx, selectImage+` WHERE collection = `+collectionNamed(1)+` AND uri > $2 ORDER BY uri LIMIT $3`,
		collection, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(images) <= limit {
		return images, "", nil
	}
	images = images[:limit]
	return images, cursorAfter(images[limit-1].URI), nil
}

// cursorAfter is the cursor of the page that follows a URI.
func cursorAfter(uri string) string { return base64.RawURLEncoding.EncodeToString([]byte(uri)) }

// afterCursor is the inverse of cursorAfter, "" for no cursor. What cursorAfter cannot
// have made is catalog.ErrInvalid.
func afterCursor(cursor string) (uri string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || text.Check(string(after)) != nil {
		return "", fmt.Errorf("cursor %.80q is %w", cursor, catalog.ErrInvalid)
	}
	return string(after), nil
}

func (s *Store) images(ctx context.Context, query string, args ...any) ([]catalog.Image, error) {
	images := []catalog.Image{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		image, err := scanImage(scan)
		images = append(images, image)
		return err
	}, query, args...)
	if err == nil {
		err = s.addCaptions(ctx, images)
	}
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	return images, nil
}

func (s *Store) addCaptions(ctx context.Context, images []catalog.Image) error {
	place := make(map[string]int, len(images))
	for i, image := range images {
		place[image.ID] = i
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(place)), maxList) {
		list, args := inList(1, chunk)
		err := each(ctx, s.read, func(scan func(...any) error) error {
			var id string
			var caption catalog.Caption
			err := scan(&id, &caption.Language, &caption.Text)
			image := &images[place[id]]
			image.Captions = append(image.Captions, caption)
			return err
		}, `SELECT image_id, language, text FROM captions WHERE image_id IN (`+list+`) ORDER BY image_id, position`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// SaveImages inserts or replaces images of one collection by URI, with their
// captions and the vectors that fingerprint's model gave, in one transaction.
// The store sets ID, Created and Updated. A vector that is already known
// for a content is kept. A failure noted for a URI is
// forgotten, unless it is the warning of the record.
func (s *Store) SaveImages(ctx context.Context, collection catalog.CollectionID, fingerprint string, records []catalog.Record) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		for _, record := range records {
			if err := s.saveImage(ctx, tx, collection, fingerprint, record); err != nil {
				return fmt.Errorf("%s: %w", record.Image.URI, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save %d images of %q: %w", len(records), collection, err)
	}
	return nil
}

func (s *Store) saveImage(ctx context.Context, tx *sql.Tx, collection catalog.CollectionID, fingerprint string, record catalog.Record) error {
	image := record.Image
	id := catalog.ImageID(collection, image.URI)
	metadata, err := catalog.MarshalMetadata(image.Metadata)
	if err != nil {
		return err
	}
	digest, err := catalog.Digest(image.SHA256, image.Metadata, image.Captions)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO images (id, collection, source, uri, sha256, size, modified, changed, width, height,
			format, color, metadata, digest, created, updated, embedded)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16)
		ON CONFLICT (id) DO UPDATE SET source = excluded.source, sha256 = excluded.sha256,
			size = excluded.size, modified = excluded.modified, changed = excluded.changed, width = excluded.width,
			height = excluded.height, format = excluded.format, color = excluded.color,
			metadata = excluded.metadata, digest = excluded.digest, updated = excluded.updated,
			embedded = excluded.embedded`,
		id, collection, image.Source, image.URI, image.SHA256, image.Size, nanos(image.Modified), nanos(image.Changed),
		image.Width, image.Height, image.Format, image.Color, metadata, digest, millis(s.now()), image.Embedded); err != nil {
		return err
	}
	if err := saveCaptions(ctx, tx, id, image.Captions); err != nil {
		return err
	}
	if err := saveVector(ctx, tx, image.SHA256, fingerprint, record.Vector); err != nil {
		return err
	}
	if record.Warning != "" {
		return s.saveFailure(ctx, tx, collection, catalog.Failure{
			URI: image.URI, Source: image.Source, Kind: catalog.FailureIncomplete, Reason: record.Warning,
			Size: image.Size, Modified: image.Modified, Changed: image.Changed,
		})
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM failures WHERE collection = $1 AND uri = $2`, collection, image.URI)
	return err
}

func saveCaptions(ctx context.Context, tx *sql.Tx, id string, captions []catalog.Caption) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM captions WHERE image_id = $1`, id); err != nil {
		return err
	}
	for position, caption := range captions {
		if _, err := tx.ExecContext(ctx,
			`INSERT INTO captions (image_id, position, language, text) VALUES ($1, $2, $3, $4)`,
			id, position, caption.Language, caption.Text); err != nil {
			return err
		}
	}
	return nil
}

// DeleteImages removes images and leaves tombstones for every index that may
// hold them; the indexer clears those. Unknown IDs are not an error.
func (s *Store) DeleteImages(ctx context.Context, ids []string) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		for chunk := range slices.Chunk(ids, maxList) {
			if err := deleteImages(ctx, tx, chunk); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete %d images: %w", len(ids), err)
	}
	return nil
}

// deleteImages leaves a tombstone for every model that has acknowledged the
// image, and for every model that has a vector of it: a process may have died
// after the index took the row and before the watermark was written.
func deleteImages(ctx context.Context, tx *sql.Tx, ids []string) error {
	list, args := inList(1, ids)
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO tombstones (collection, fingerprint, image_id)
		SELECT images.collection, indexed.fingerprint, images.id
		FROM images JOIN indexed ON indexed.image_id = images.id WHERE images.id IN (`+list+`)
		UNION SELECT images.collection, vectors.fingerprint, images.id
		FROM images JOIN vectors ON vectors.sha256 = images.sha256 WHERE images.id IN (`+list+`)
		ON CONFLICT (collection, fingerprint, image_id) DO NOTHING`, args...); err != nil {
		return err
	}
	if err := keepContents(ctx, tx, `id IN (`+list+`)`, args...); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM images WHERE id IN (`+list+`)`, args...)
	return err
}
