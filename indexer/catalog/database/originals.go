package database

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"polylens/indexer/catalog"
)

// SetOriginals chooses what becomes of the originals of a collection from now on.
func (s *Store) SetOriginals(ctx context.Context, id catalog.CollectionID, originals catalog.Originals) error {
	if err := originals.Validate(); err != nil {
		return err
	}
	return s.change(ctx, id, `UPDATE collections SET
		originals_chosen = CASE WHEN originals = $2 THEN originals_chosen ELSE $3 END, originals = $2 WHERE id = $1`,
		cmp.Or(originals, catalog.OriginalsKept), millis(s.now()))
}

// neededIn is a condition on an image and its collection: its original has to stay. $1 is
// PushedSource, $2 OriginalsDiscarded, $3 when a collection that discards originals must have
// been told so.
const neededIn = `images.source = $1 AND (collections.originals <> $2 OR collections.originals_chosen > $3
	OR NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = images.sha256 AND vectors.fingerprint = collections.fingerprint))`

// NeededContents returns those of some contents whose original has to stay: a pushed image
// of a collection has it that keeps originals, or has discarded them only since a moment, or
// the image has no vector.
func (s *Store) NeededContents(ctx context.Context, sums []string, since time.Time) (map[string]bool, error) {
	return neededContents(ctx, s.read, sums, since)
}

func neededContents(ctx context.Context, db querier, sums []string, since time.Time) (map[string]bool, error) {
	return contentsThat(ctx, db, sums, `SELECT DISTINCT images.sha256 FROM images JOIN collections ON collections.id = images.collection
		WHERE `+neededIn+` AND images.sha256`, catalog.PushedSource, catalog.OriginalsDiscarded, millis(since))
}

// PushedAnywhere returns those of some contents that a pushed image has, in whatever
// collection.
func (s *Store) PushedAnywhere(ctx context.Context, sums []string) (map[string]bool, error) {
	return contentsThat(ctx, s.read, sums, `SELECT DISTINCT sha256 FROM images WHERE source = $1 AND sha256`, catalog.PushedSource)
}

// ExpectedContents returns those of some contents whose original should be there: a pushed
// image has it, and it was not discarded.
func (s *Store) ExpectedContents(ctx context.Context, sums []string) (map[string]bool, error) {
	return contentsThat(ctx, s.read, sums, `SELECT DISTINCT sha256 FROM images WHERE source = $1
		AND sha256 NOT IN (SELECT sha256 FROM discarded_contents) AND sha256`, catalog.PushedSource)
}

// DiscardedContents returns those of some contents whose original was discarded.
func (s *Store) DiscardedContents(ctx context.Context, sums []string) (map[string]bool, error) {
	return contentsThat(ctx, s.read, sums, `SELECT sha256 FROM discarded_contents WHERE sha256`)
}

// contentsThat returns those of some contents that a query gives, whose text ends where the
// list of contents is to follow.
func contentsThat(ctx context.Context, db querier, sums []string, query string, args ...any) (map[string]bool, error) {
	found := make(map[string]bool)
	for chunk := range slices.Chunk(sums, maxList) {
		list, more := inList(len(args)+1, chunk)
		these, err := stringColumn(ctx, db, query+` IN (`+list+`)`, append(slices.Clone(args), more...)...)
		if err != nil {
			return nil, fmt.Errorf("look for contents: %w", err)
		}
		for _, sum := range these {
			found[sum] = true
		}
	}
	return found, nil
}

// without returns the contents that are not among others.
func without(sums []string, others map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(sums), func(sum string) bool { return others[sum] })
}

// Discard notes that the originals of some contents go, and returns those for which it has
// done so: all that are not needed, as in NeededContents. Afterwards nobody expects them.
func (s *Store) Discard(ctx context.Context, sums []string, since time.Time) (map[string]bool, error) {
	gone := make(map[string]bool)
	for chunk := range slices.Chunk(sums, maxList) {
		err := s.update(ctx, func(tx *sql.Tx) error {
			needed, err := neededContents(ctx, tx, chunk, since)
			if err != nil {
				return err
			}
			free := without(chunk, needed)
			for _, sum := range free {
				gone[sum] = true
			}
			return noteDiscarded(ctx, tx, free)
		})
		if err != nil {
			return nil, fmt.Errorf("note what is discarded: %w", err)
		}
	}
	return gone, nil
}

// noteDiscarded notes those of some contents that a pushed image has.
func noteDiscarded(ctx context.Context, tx *sql.Tx, sums []string) error {
	for chunk := range slices.Chunk(sums, maxList) {
		list, args := inList(2, chunk)
		if _, err := tx.ExecContext(ctx, `INSERT INTO discarded_contents (sha256)
			SELECT DISTINCT sha256 FROM images WHERE source = $1 AND sha256 IN (`+list+`) ON CONFLICT DO NOTHING`,
			append([]any{catalog.PushedSource}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// saveOriginals notes of which contents of a push there is an original, and of which not:
// but for those that another collection keeps, whose file is there.
func saveOriginals(ctx context.Context, tx *sql.Tx, collection catalog.CollectionID, push *Push) error {
	var kept, discarded []string
	for _, item := range push.Items {
		switch {
		case item.Err != nil || item.Original == "":
		case push.Discards:
			discarded = append(discarded, item.Original)
		default:
			kept = append(kept, item.Original)
		}
	}
	for chunk := range slices.Chunk(kept, maxList) {
		list, args := inList(1, chunk)
		if _, err := tx.ExecContext(ctx, `DELETE FROM discarded_contents WHERE sha256 IN (`+list+`)`, args...); err != nil {
			return err
		}
	}
	elsewhere, err := contentsThat(ctx, tx, discarded, `SELECT DISTINCT images.sha256 FROM images JOIN collections ON collections.id = images.collection
		WHERE images.source = $1 AND collections.id <> $2 AND collections.originals <> $3 AND images.sha256`,
		catalog.PushedSource, collection, catalog.OriginalsDiscarded)
	if err != nil {
		return err
	}
	return noteDiscarded(ctx, tx, without(discarded, elsewhere))
}

// ForgetDiscarded drops notes about contents that no pushed image has any more.
func (s *Store) ForgetDiscarded(ctx context.Context) error {
	_, err := s.exec(ctx, `DELETE FROM discarded_contents
		WHERE NOT EXISTS (SELECT 1 FROM images WHERE images.sha256 = discarded_contents.sha256 AND images.source = $1)`, catalog.PushedSource)
	if err != nil {
		return fmt.Errorf("forget what was discarded: %w", err)
	}
	return nil
}

// StoredThumbnails is StoredContents for the contents whose original was discarded: of these
// a thumbnail is kept.
func (s *Store) StoredThumbnails(ctx context.Context, collection catalog.CollectionID, after string, limit int) ([]catalog.StoredContent, error) {
	return s.storedContents(ctx, `IN`, collection, after, limit)
}

// WithoutOriginal counts the images of a collection whose original was discarded and that
// have no vector of a model.
func (s *Store) WithoutOriginal(ctx context.Context, collection catalog.CollectionID, fingerprint string) (count int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM images WHERE collection = $1 AND source = $2
		AND sha256 IN (SELECT sha256 FROM discarded_contents)
		AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = images.sha256 AND vectors.fingerprint = $3)`,
		collection, catalog.PushedSource, fingerprint).Scan(&count)
	if err != nil {
		err = fmt.Errorf("count images without an original: %w", err)
	}
	return count, err
}
