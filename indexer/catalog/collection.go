package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Collection is a named set of images.
type Collection struct {
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"` // of the model that searches use; empty before the first indexing
	Images      int       `json:"images"`
	Failures    int       `json:"failures"` // files that could not be indexed, and unreadable sidecars
	Created     time.Time `json:"created"`
}

var collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// ValidateCollectionName returns an error wrapping ErrInvalid that states the
// rule, or nil.
func ValidateCollectionName(name string) error {
	if collectionName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("collection name %.80q is %w: use 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit", name, ErrInvalid)
}

// CreateCollection adds an empty collection. ErrInvalid for a bad name,
// ErrConflict when it exists.
func (s *Store) CreateCollection(ctx context.Context, name string) (Collection, error) {
	if err := ValidateCollectionName(name); err != nil {
		return Collection{}, err
	}
	collection := Collection{Name: name, Created: fromMillis(millis(s.now()))}
	result, err := s.write.ExecContext(ctx,
		`INSERT INTO collections (name, created) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
		name, millis(collection.Created))
	if err != nil {
		return Collection{}, fmt.Errorf("create collection %q: %w", name, err)
	}
	if changed(result) == 0 {
		return Collection{}, fmt.Errorf("collection %q already exists: %w", name, ErrConflict)
	}
	return collection, nil
}

const selectCollection = `SELECT name, fingerprint, created,
	(SELECT count(*) FROM images WHERE images.collection = collections.name),
	(SELECT count(*) FROM failures WHERE failures.collection = collections.name)
	FROM collections`

// Collection returns one collection with its counts, or ErrNotFound.
func (s *Store) Collection(ctx context.Context, name string) (Collection, error) {
	found, err := s.collections(ctx, selectCollection+` WHERE name = $1`, name)
	if err != nil {
		return Collection{}, err
	}
	if len(found) == 0 {
		return Collection{}, fmt.Errorf("collection %.80q: %w", name, ErrNotFound)
	}
	return found[0], nil
}

// CollectionFingerprint returns the model that searches of a collection use, or
// ErrNotFound. Unlike Collection it counts nothing: every search asks this.
func (s *Store) CollectionFingerprint(ctx context.Context, name string) (string, error) {
	var fingerprint string
	err := s.read.QueryRowContext(ctx, `SELECT fingerprint FROM collections WHERE name = $1`, name).Scan(&fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("collection %.80q: %w", name, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("read collection %.80q: %w", name, err)
	}
	return fingerprint, nil
}

// Collections returns all collections with their counts, by name.
func (s *Store) Collections(ctx context.Context) ([]Collection, error) {
	return s.collections(ctx, selectCollection+` ORDER BY name`)
}

func (s *Store) collections(ctx context.Context, query string, args ...any) ([]Collection, error) {
	collections := []Collection{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var c Collection
		var created int64
		err := scan(&c.Name, &c.Fingerprint, &created, &c.Images, &c.Failures)
		c.Created = fromMillis(created)
		collections = append(collections, c)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	return collections, nil
}

// SetFingerprint records which model searches of a collection use from now on.
func (s *Store) SetFingerprint(ctx context.Context, name, fingerprint string) error {
	result, err := s.write.ExecContext(ctx,
		`UPDATE collections SET fingerprint = $1 WHERE name = $2`, fingerprint, name)
	if err != nil {
		return fmt.Errorf("set model of collection %q: %w", name, err)
	}
	if changed(result) == 0 {
		return fmt.Errorf("collection %.80q: %w", name, ErrNotFound)
	}
	return nil
}

// DeleteCollection removes a collection and all that belongs to it, but not
// its rows in an index: drop that first. Vectors stay cached, see PurgeVectors.
func (s *Store) DeleteCollection(ctx context.Context, name string) error {
	result, err := s.write.ExecContext(ctx, `DELETE FROM collections WHERE name = $1`, name)
	if err != nil {
		return fmt.Errorf("delete collection %q: %w", name, err)
	}
	if changed(result) == 0 {
		return fmt.Errorf("collection %.80q: %w", name, ErrNotFound)
	}
	return nil
}

// Fingerprints lists the models whose index may hold rows of a collection.
func (s *Store) Fingerprints(ctx context.Context, collection string) ([]string, error) {
	return stringColumn(ctx, s.read, `
		SELECT DISTINCT indexed.fingerprint FROM indexed JOIN images ON images.id = indexed.image_id
		WHERE images.collection = $1
		UNION SELECT DISTINCT fingerprint FROM tombstones WHERE collection = $1
		UNION SELECT fingerprint FROM collections WHERE name = $1 AND fingerprint <> ''
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
