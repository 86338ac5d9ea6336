package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"polylens/indexer/catalog"
)

// Push is what one transaction of a push writes.
type Push struct {
	// Chunk fences the transaction: it is refused with catalog.ErrLeaseLost, and writes
	// nothing, once the chunk is another worker's. nil: it is not of a job.
	Chunk   *catalog.Chunk
	Records []catalog.Record // to save, with vectors of Fingerprint's model
	Changed []catalog.Image  // to save metadata and captions of; nothing else is looked at
	Deleted []string         // IDs
	Results []catalog.ItemResult

	Fingerprint string
}

// SavePush saves all of a push, or nothing.
func (s *Store) SavePush(ctx context.Context, collection catalog.CollectionID, push Push) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		if push.Chunk != nil {
			if err := heldChunk(ctx, tx, *push.Chunk, `expires = expires`); err != nil {
				return err
			}
			if err := saveResults(ctx, tx, push.Chunk.Job, push.Results); err != nil {
				return err
			}
		}
		return s.savePush(ctx, tx, collection, push)
	})
	if err != nil {
		return fmt.Errorf("save pushed images of %q: %w", collection, err)
	}
	return nil
}

func (s *Store) savePush(ctx context.Context, tx *sql.Tx, collection catalog.CollectionID, push Push) error {
	for _, record := range push.Records {
		if err := s.saveImage(ctx, tx, collection, push.Fingerprint, record); err != nil {
			return fmt.Errorf("%s: %w", record.Image.URI, err)
		}
	}
	for _, image := range push.Changed {
		if err := s.patchImage(ctx, tx, image); err != nil {
			return fmt.Errorf("%s: %w", image.URI, err)
		}
	}
	for chunk := range slices.Chunk(push.Deleted, maxList) {
		if err := deleteImages(ctx, tx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// patchImage replaces metadata and captions of an image, unless its picture was replaced
// meanwhile.
func (s *Store) patchImage(ctx context.Context, tx *sql.Tx, image catalog.Image) error {
	about, err := catalog.MarshalMetadata(image.Metadata)
	if err != nil {
		return err
	}
	digest, err := catalog.Digest(image.SHA256, image.Metadata, image.Captions)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `UPDATE images SET metadata = $1, digest = $2, updated = $3 WHERE id = $4 AND sha256 = $5`,
		about, digest, millis(s.now()), image.ID, image.SHA256)
	if err != nil {
		return err
	}
	if changed(result) == 0 {
		return fmt.Errorf("it was replaced or deleted meanwhile: %w", catalog.ErrConflict)
	}
	return saveCaptions(ctx, tx, image.ID, image.Captions)
}

func saveResults(ctx context.Context, tx *sql.Tx, job string, results []catalog.ItemResult) error {
	for some := range slices.Chunk(results, maxChunkRows) {
		var rows []string
		var args []any
		for _, r := range some {
			rows = append(rows, values(len(args), 7, ""))
			args = append(args, job, r.Number, r.ID, r.Operation, r.Outcome, r.Problem, r.Detail)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO job_items (job, number, item, operation, outcome, problem, detail)
			VALUES `+strings.Join(rows, ", ")+` ON CONFLICT (job, number) DO UPDATE SET item = excluded.item, operation = excluded.operation,
				outcome = excluded.outcome, problem = excluded.problem, detail = excluded.detail`, args...); err != nil {
			return fmt.Errorf("save results of job %s: %w", job, err)
		}
	}
	return nil
}

// Items returns what became of the items of a job that have an outcome, in order of their
// numbers.
func (j *Jobs) Items(ctx context.Context, job string, filter catalog.ItemFilter) ([]catalog.ItemResult, error) {
	condition, args := "", []any{job, filter.After, filter.Limit}
	if filter.Outcome != "" {
		condition, args = ` AND outcome = $4`, append(args, filter.Outcome)
	}
	results := []catalog.ItemResult{}
	err := each(ctx, j.store.read, func(scan func(...any) error) error {
		var r catalog.ItemResult
		err := scan(&r.Number, &r.ID, &r.Operation, &r.Outcome, &r.Problem, &r.Detail)
		results = append(results, r)
		return err
	}, `SELECT number, item, operation, outcome, problem, detail FROM job_items
		WHERE job = $1 AND number > $2`+condition+` ORDER BY number LIMIT $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("read items of job %s: %w", job, err)
	}
	return results, nil
}

// Outcomes are those of the items of a job, by number, that have one, from a number to
// another.
func (j *Jobs) Outcomes(ctx context.Context, job string, first, last int64) (map[int64]catalog.Outcome, error) {
	outcomes := make(map[int64]catalog.Outcome)
	err := each(ctx, j.store.read, func(scan func(...any) error) error {
		var number int64
		var outcome catalog.Outcome
		err := scan(&number, &outcome)
		outcomes[number] = outcome
		return err
	}, `SELECT number, outcome FROM job_items WHERE job = $1 AND number >= $2 AND number <= $3`, job, first, last)
	if err != nil {
		return nil, fmt.Errorf("read items of job %s: %w", job, err)
	}
	return outcomes, nil
}
