package database

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"polylens/indexer/catalog"
	"polylens/indexer/metadata"
)

// StoredImages returns up to limit images of a collection, in order of ID and beginning
// after the given one, with what is wrong with their vectors of a model: all have so many
// numbers.
func (s *Store) StoredImages(ctx context.Context, collection catalog.CollectionID, fingerprint string, dimension int, after string, limit int) ([]catalog.StoredImage, error) {
	var images []catalog.StoredImage
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var image catalog.StoredImage
		var numbers sql.NullInt64
		var vector []byte
		err := scan(&image.ID, &image.Source, &image.URI, &image.SHA256, &image.Size, &image.Metadata, &image.Digest, &numbers, &vector)
		image.HasVector = numbers.Valid
		if image.HasVector {
			image.VectorFault = faultOf(vector, int(numbers.Int64), dimension)
		}
		images = append(images, image)
		return err
	}, `SELECT images.id, source, uri, images.sha256, size, metadata, images.digest, vectors.dimension, vectors.fp16
		FROM images LEFT JOIN vectors ON vectors.sha256 = images.sha256 AND vectors.fingerprint = $2
		WHERE collection = $1 AND images.id > $3 ORDER BY images.id LIMIT $4`, collection, fingerprint, after, limit)
	if err == nil {
		err = s.addStoredCaptions(ctx, images)
	}
	if err != nil {
		return nil, fmt.Errorf("read what is kept of images: %w", err)
	}
	return images, nil
}

func (s *Store) addStoredCaptions(ctx context.Context, images []catalog.StoredImage) error {
	plain := make([]catalog.Image, len(images))
	for i, image := range images {
		plain[i].ID = image.ID
	}
	err := s.addCaptions(ctx, plain)
	for i := range images {
		images[i].Captions = plain[i].Captions
	}
	return err
}

// unitTolerance is how far the length of a unit vector may be from 1 that was rounded to
// fp16.
const unitTolerance = 0.01

// faultOf says what is wrong with a vector that should have so many numbers.
func faultOf(data []byte, numbers, dimension int) string {
	if len(data) != 2*numbers || numbers != dimension {
		return fmt.Sprintf("it has %d bytes, where %d numbers take %d", len(data), dimension, 2*dimension)
	}
	var sum float64
	for at := 0; at < len(data); at += 2 {
		x := float64(fromHalf(binary.LittleEndian.Uint16(data[at:])))
		sum += x * x
	}
	switch length := math.Sqrt(sum); {
	case math.IsNaN(length) || math.IsInf(length, 0):
		return "it holds what is no number"
	case math.Abs(length-1) > unitTolerance:
		return fmt.Sprintf("its length is %.3g instead of 1", length)
	}
	return ""
}

// VectorDimension is how many numbers most vectors of a model have; 0 when there are none.
func (s *Store) VectorDimension(ctx context.Context, fingerprint string) (int, error) {
	var dimension int
	err := each(ctx, s.read, func(scan func(...any) error) error { return scan(&dimension) },
		`SELECT dimension FROM vectors WHERE fingerprint = $1 GROUP BY dimension ORDER BY COUNT(*) DESC LIMIT 1`, fingerprint)
	if err != nil {
		return 0, fmt.Errorf("length of vectors: %w", err)
	}
	return dimension, nil
}

// ReplaceVector puts a vector in the place of one that is damaged, or missing. Every image
// with that content becomes pending.
func (s *Store) ReplaceVector(ctx context.Context, fingerprint, contentSHA256 string, vector []float32) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		if err := dropVector(ctx, tx, fingerprint, contentSHA256); err != nil {
			return err
		}
		return saveVector(ctx, tx, contentSHA256, fingerprint, vector)
	})
	if err != nil {
		return fmt.Errorf("replace the vector of %.16s: %w", contentSHA256, err)
	}
	return nil
}

// DropVector forgets a vector that is of no use. What the index has of it is not to be
// trusted either.
func (s *Store) DropVector(ctx context.Context, fingerprint, contentSHA256 string) error {
	err := s.update(ctx, func(tx *sql.Tx) error { return dropVector(ctx, tx, fingerprint, contentSHA256) })
	if err != nil {
		return fmt.Errorf("drop the vector of %.16s: %w", contentSHA256, err)
	}
	return nil
}

func dropVector(ctx context.Context, tx *sql.Tx, fingerprint, contentSHA256 string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM vectors WHERE sha256 = $1 AND fingerprint = $2`, contentSHA256, fingerprint)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM indexed WHERE fingerprint = $2
			AND image_id IN (SELECT id FROM images WHERE sha256 = $1)`, contentSHA256, fingerprint)
	}
	return err
}

// MendImage replaces the metadata and the digest of an image, unless it has changed since
// it was read.
func (s *Store) MendImage(ctx context.Context, image catalog.StoredImage, metadata, digest string) error {
	_, err := s.exec(ctx, `UPDATE images SET metadata = $1, digest = $2 WHERE id = $3 AND metadata = $4 AND digest = $5`,
		metadata, digest, image.ID, image.Metadata, image.Digest)
	if err != nil {
		return fmt.Errorf("mend image %s: %w", image.ID, err)
	}
	return nil
}

// StoredContents returns up to limit contents that pushed images of a collection have, or of
// all if that is "", in order of SHA-256 and beginning after the given one: those whose
// original was not discarded.
func (s *Store) StoredContents(ctx context.Context, collection catalog.CollectionID, after string, limit int) ([]catalog.StoredContent, error) {
	return s.storedContents(ctx, `NOT IN`, collection, after, limit)
}

// storedContents returns contents that are IN, or NOT IN, those that were discarded.
func (s *Store) storedContents(ctx context.Context, in string, collection catalog.CollectionID, after string, limit int) ([]catalog.StoredContent, error) {
	var contents []catalog.StoredContent
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var c catalog.StoredContent
		err := scan(&c.SHA256, &c.Size, &c.Images, &c.URI)
		contents = append(contents, c)
		return err
	}, `SELECT sha256, MAX(size), COUNT(*), MIN(uri) FROM images
		WHERE sha256 > $1 AND ($2 = '' OR collection = $2) AND source = $3 AND sha256 `+in+` (SELECT sha256 FROM discarded_contents)
		GROUP BY sha256 ORDER BY sha256 LIMIT $4`,
		after, collection, catalog.PushedSource, limit)
	if err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	return contents, nil
}

// UsedContents returns those of some contents that an image has, however it came.
func (s *Store) UsedContents(ctx context.Context, sums []string) (map[string]bool, error) {
	used := make(map[string]bool)
	for chunk := range slices.Chunk(sums, maxList) {
		list, args := inList(1, chunk)
		found, err := stringColumn(ctx, s.read, `SELECT DISTINCT sha256 FROM images WHERE sha256 IN (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("look for contents: %w", err)
		}
		for _, sum := range found {
			used[sum] = true
		}
	}
	return used, nil
}

// Unused counts what is kept and that nothing uses: vectors, and what is known of contents
// that have neither an image nor a vector.
func (s *Store) Unused(ctx context.Context) (vectors, contents int, err error) {
	row := s.read.QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM vectors WHERE NOT EXISTS (SELECT 1 FROM images WHERE images.sha256 = vectors.sha256)),
		(SELECT COUNT(*) FROM removed_contents WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.sha256 = removed_contents.sha256))`)
	if err := row.Scan(&vectors, &contents); err != nil {
		return 0, 0, fmt.Errorf("count what nothing uses: %w", err)
	}
	return vectors, contents, nil
}

// PurgeContents forgets the contents that have neither an image nor a vector.
func (s *Store) PurgeContents(ctx context.Context) error {
	if err := s.update(ctx, func(tx *sql.Tx) error { return purgeContents(ctx, tx) }); err != nil {
		return fmt.Errorf("purge contents: %w", err)
	}
	return nil
}

// OpenChunks lists the chunks that are not done, of jobs that are to be done.
func (s *Store) OpenChunks(ctx context.Context) ([]catalog.ChunkPlace, error) {
	var chunks []catalog.ChunkPlace
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var c catalog.ChunkPlace
		err := scan(&c.Job, &c.Number, &c.Content)
		chunks = append(chunks, c)
		return err
	}, `SELECT job, number, content FROM job_chunks JOIN jobs ON jobs.id = job_chunks.job
		WHERE job_chunks.state <> 'succeeded' AND jobs.state IN ('queued', 'running', 'paused') ORDER BY job, number`)
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	return chunks, nil
}

// IsOpenChunk reports whether a chunk is still to be done.
func (s *Store) IsOpenChunk(ctx context.Context, chunk catalog.ChunkPlace) (open bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job_chunks JOIN jobs ON jobs.id = job_chunks.job
		WHERE job = $1 AND number = $2 AND job_chunks.state <> 'succeeded' AND jobs.state IN ('queued', 'running', 'paused'))`,
		chunk.Job, chunk.Number).Scan(&open)
	if err != nil {
		err = fmt.Errorf("look for chunk %d of job %s: %w", chunk.Number, chunk.Job, err)
	}
	return open, err
}

// MiscountedPushes lists jobs all of whose chunks are done, and whose counts are not those
// of the outcomes of their items.
func (s *Store) MiscountedPushes(ctx context.Context) ([]string, error) {
	outcomes := []catalog.Outcome{
		catalog.OutcomeCreated, catalog.OutcomeUpdated, catalog.OutcomeUnchanged, catalog.OutcomeDeleted, catalog.OutcomeFailed,
	}
	conditions := []string{`SUM(items) <> (SELECT COUNT(*) FROM job_items WHERE job_items.job = job_chunks.job)`}
	for _, outcome := range outcomes {
		conditions = append(conditions, fmt.Sprintf(
			`SUM(%s) <> (SELECT COUNT(*) FROM job_items WHERE job_items.job = job_chunks.job AND outcome = '%[1]s')`, outcome))
	}
	jobs, err := stringColumn(ctx, s.read, `SELECT job FROM job_chunks GROUP BY job
		HAVING SUM(CASE WHEN state = 'succeeded' THEN 0 ELSE 1 END) = 0 AND (`+strings.Join(conditions, " OR ")+`) ORDER BY job`)
	if err != nil {
		return nil, fmt.Errorf("compare the counts of pushes with their items: %w", err)
	}
	return jobs, nil
}

const selectIndexed = `SELECT images.id, images.digest, images.metadata, vectors.dimension, vectors.fp16
	FROM images
	JOIN vectors ON vectors.sha256 = images.sha256 AND vectors.fingerprint = $2
	JOIN indexed ON indexed.image_id = images.id AND indexed.fingerprint = $2 AND indexed.digest = images.digest
	WHERE images.collection = $1`

// IndexedRows returns rows that the index of a model has acknowledged as they are now: those
// of the next limit images, in order of ID and beginning after the given one, but for those
// that are damaged. last is the ID of the last of these images, "" when there are none.
func (s *Store) IndexedRows(ctx context.Context, collection catalog.CollectionID, fingerprint, after string, limit int) (rows []catalog.IndexRow, last string, err error) {
	return s.indexedRows(ctx, selectIndexed+pendingPage, collection, fingerprint, after, limit)
}

// IndexedRowsOf is IndexedRows for the given images only, of which there are few.
func (s *Store) IndexedRowsOf(ctx context.Context, collection catalog.CollectionID, fingerprint string, ids []string) ([]catalog.IndexRow, error) {
	list, args := inList(3, ids)
	rows, _, err := s.indexedRows(ctx, selectIndexed+` AND images.id IN (`+list+`)`, append([]any{collection, fingerprint}, args...)...)
	return rows, err
}

func (s *Store) indexedRows(ctx context.Context, query string, args ...any) (rows []catalog.IndexRow, last string, err error) {
	err = each(ctx, s.read, func(scan func(...any) error) error {
		var row catalog.IndexRow
		var about string
		var numbers int
		var data []byte
		if err := scan(&row.ID, &row.Digest, &about, &numbers, &data); err != nil {
			return err
		}
		last = row.ID
		if faultOf(data, numbers, numbers) != "" {
			return nil
		}
		if row.Metadata, err = metadata.Stored([]byte(about)); err != nil {
			return nil
		}
		row.Vector, err = decodeHalf(data)
		rows = append(rows, row)
		return err
	}, query, args...)
	if err != nil {
		return nil, "", fmt.Errorf("read rows that are indexed: %w", err)
	}
	return rows, last, nil
}
