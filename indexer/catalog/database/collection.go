package database

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

// CreateCollection adds an empty collection. ErrInvalid for a bad name or
// number of patches, ErrConflict if it exists already.
func (s *Store) CreateCollection(ctx context.Context, name string, maxPatches int) (catalog.Collection, error) {
	return s.CreateCollectionWith(ctx, name, maxPatches, catalog.OriginalsKept)
}

// CreateCollectionWith is CreateCollection for a collection that need not keep originals.
func (s *Store) CreateCollectionWith(ctx context.Context, name string, maxPatches int, originals catalog.Originals) (catalog.Collection, error) {
	if err := cmp.Or(catalog.ValidateCollectionName(name), catalog.ValidateMaxPatches(maxPatches), originals.Validate()); err != nil {
		return catalog.Collection{}, err
	}
	collection := catalog.Collection{ID: catalog.CollectionID(name), Name: name, MaxPatches: maxPatches, Metadata: catalog.AllMetadata,
		Originals: cmp.Or(originals, catalog.OriginalsKept), Created: fromMillis(millis(s.now()))}
	inserted, err := s.insertCollection(ctx, collection)
	if err == nil && !inserted { // the name is taken, or a renamed collection has the ID
		collection.ID += catalog.CollectionID("." + uuid.NewString()) // no name has a dot
		inserted, err = s.insertCollection(ctx, collection)
	}
	if err != nil {
		return catalog.Collection{}, fmt.Errorf("create collection %q: %w", name, err)
	}
	if !inserted {
		return catalog.Collection{}, taken(name)
	}
	return collection, nil
}

func (s *Store) insertCollection(ctx context.Context, c catalog.Collection) (bool, error) {
	result, err := s.exec(ctx,
		`INSERT INTO collections (id, name, max_patches, originals, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		c.ID, c.Name, c.MaxPatches, c.Originals, millis(c.Created))
	return err == nil && changed(result) == 1, err
}

func taken(name string) error {
	return catalog.Conflict("collection %q exists already: choose another name, or delete it first", name)
}

const collectionColumns = `id, name, max_patches, fingerprint, searched_max_patches, metadata, originals, created`

const selectCollection = `SELECT ` + collectionColumns + `,
	(SELECT count(*) FROM images WHERE images.collection = collections.id),
	(SELECT count(*) FROM failures WHERE failures.collection = collections.id AND kind <> 'other')
	FROM collections`

// collectionNamed is the ID of the collection whose name is the argument with that
// number; NULL, which equals nothing, if there is no such collection.
func collectionNamed(argument int) string {
	return `(SELECT id FROM collections WHERE name = $` + strconv.Itoa(argument) + `)`
}

// Collection returns one collection with its counts, or
// catalog.ErrCollectionNotFound.
func (s *Store) Collection(ctx context.Context, name string) (catalog.Collection, error) {
	return s.collection(ctx, selectCollection+` WHERE name = $1`, name)
}

// UncountedCollection is Collection without the counts, which take longer than
// a search: every search calls this.
func (s *Store) UncountedCollection(ctx context.Context, name string) (catalog.Collection, error) {
	return s.collection(ctx, `SELECT `+collectionColumns+`, 0, 0 FROM collections WHERE name = $1`, name)
}

func (s *Store) collection(ctx context.Context, query, name string) (catalog.Collection, error) {
	found, err := s.collections(ctx, query, name)
	if err != nil {
		return catalog.Collection{}, err
	}
	if len(found) == 0 {
		return catalog.Collection{}, fmt.Errorf("%w: %.80q", catalog.ErrCollectionNotFound, name)
	}
	return found[0], nil
}

// Collections returns all collections with their counts, by name.
func (s *Store) Collections(ctx context.Context) ([]catalog.Collection, error) {
	return s.collections(ctx, selectCollection+` ORDER BY name`)
}

func (s *Store) collections(ctx context.Context, query string, args ...any) ([]catalog.Collection, error) {
	collections := []catalog.Collection{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var c catalog.Collection
		var created int64
		err := scan(&c.ID, &c.Name, &c.MaxPatches, &c.Fingerprint, &c.SearchedMaxPatches, &c.Metadata, &c.Originals, &created, &c.Images, &c.Failures)
		c.Created = fromMillis(created)
		collections = append(collections, c)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	return collections, nil
}

// SetMaxPatches chooses the most patches that indexing cuts a picture into.
// Searches go on with the vectors that they use.
func (s *Store) SetMaxPatches(ctx context.Context, id catalog.CollectionID, maxPatches int) error {
	if err := catalog.ValidateMaxPatches(maxPatches); err != nil {
		return err
	}
	return s.change(ctx, id, `UPDATE collections SET max_patches = $2 WHERE id = $1`, maxPatches)
}

// SetMetadata chooses what indexing takes of what is written in pictures.
func (s *Store) SetMetadata(ctx context.Context, id catalog.CollectionID, choice catalog.MetadataChoice) error {
	if err := choice.Validate(); err != nil {
		return err
	}
	return s.change(ctx, id, `UPDATE collections SET metadata = $2 WHERE id = $1`, cmp.Or(choice, catalog.AllMetadata))
}

// SetFingerprint records which vectors searches of a collection use from now
// on: those of a model, for pictures cut into at most maxPatches.
func (s *Store) SetFingerprint(ctx context.Context, id catalog.CollectionID, fingerprint string, maxPatches int) error {
	return s.change(ctx, id, `UPDATE collections SET fingerprint = $2, searched_max_patches = $3 WHERE id = $1`,
		fingerprint, maxPatches)
}

// change runs a statement about one collection, whose ID is $1.
func (s *Store) change(ctx context.Context, id catalog.CollectionID, statement string, args ...any) error {
	result, err := s.exec(ctx, statement, append([]any{id}, args...)...)
	if err != nil {
		return fmt.Errorf("change collection %q: %w", id, err)
	}
	if changed(result) == 0 {
		return fmt.Errorf("%w: %.80q", catalog.ErrCollectionNotFound, id)
	}
	return nil
}

// DeleteCollection removes a collection and all that belongs to it, but not
// its rows in an index: drop that first. Vectors stay cached, see PurgeVectors. When the
// disk is too full for all at once it removes some images at a time; interrupted then, it
// leaves the others.
func (s *Store) DeleteCollection(ctx context.Context, id catalog.CollectionID) error {
	err := s.deleteCollection(ctx, id)
	if disk.IsFull(err) && !s.isPostgres() {
		err = s.deleteInParts(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("delete collection %q: %w", id, err)
	}
	return nil
}

// deleteInParts removes a collection once it is empty. Where it cannot be emptied it stays,
// so that deleting it can be tried again.
func (s *Store) deleteInParts(ctx context.Context, id catalog.CollectionID) error {
	if err := s.emptyCollection(ctx, id); err != nil {
		return err
	}
	return s.deleteCollection(ctx, id)
}

// emptyCollection removes the images of a collection, some at a time, and has SQLite use
// the same part of its log for each time.
func (s *Store) emptyCollection(ctx context.Context, id catalog.CollectionID) error {
	const some = 50 // each stands in several indexes, with a page of the log for each
	for {
		if _, err := s.exec(ctx, `PRAGMA wal_checkpoint(RESTART)`); err != nil {
			return err
		}
		var removed int64
		err := s.update(ctx, func(tx *sql.Tx) error {
			condition := fmt.Sprintf(`id IN (SELECT id FROM images WHERE collection = $1 ORDER BY id LIMIT %d)`, some)
			if err := keepContents(ctx, tx, condition, id); err != nil {
				return err
			}
			result, err := tx.ExecContext(ctx, `DELETE FROM images WHERE `+condition, id)
			if err == nil {
				removed = changed(result)
			}
			return err
		})
		if err != nil || removed == 0 {
			return err
		}
	}
}

func (s *Store) deleteCollection(ctx context.Context, id catalog.CollectionID) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		if err := keepContents(ctx, tx, `collection = $1`, id); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM collections WHERE id = $1`, id)
		if err == nil && changed(result) == 0 {
			err = catalog.ErrCollectionNotFound
		}
		return err
	})
}

// Fingerprints lists the models whose index may hold rows of a collection.
func (s *Store) Fingerprints(ctx context.Context, collection catalog.CollectionID) ([]string, error) {
	return stringColumn(ctx, s.read, `
		SELECT DISTINCT indexed.fingerprint FROM indexed JOIN images ON images.id = indexed.image_id
		WHERE images.collection = $1
		UNION SELECT DISTINCT fingerprint FROM tombstones WHERE collection = $1
		UNION SELECT fingerprint FROM collections WHERE id = $1 AND fingerprint <> ''
		ORDER BY 1`, collection)
}

func stringColumn(ctx context.Context, db querier, query string, args ...any) ([]string, error) {
	var values []string
	err := each(ctx, db, func(scan func(...any) error) error {
		var value string
		err := scan(&value)
		values = append(values, value)
		return err
	}, query, args...)
	return values, err
}

// changed is the number of rows a statement touched; both drivers know it.
func changed(result sql.Result) int64 {
	n, _ := result.RowsAffected()
	return n
}
