package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"polylens/indexer/catalog"
)

// Push is what one transaction of a push writes.
type Push struct {
	// Chunk fences the transaction: it is refused with catalog.ErrLeaseLost, and writes
	// nothing, once the chunk is another worker's. nil: it is not of a job, and keeps no
	// results.
	Chunk       *catalog.Chunk
	Fingerprint string // of the model whose vectors come with records
	Items       []PushItem
	// Discards says that of the originals of items only thumbnails were kept.
	Discards bool
	// Explain names the kind of an error for clients, and says it in words that can be
	// kept.
	Explain func(error) (problem, detail string)
}

// PushItem is a document of a Push. Only one of Record, Changed and Deleted is set, and
// none if there is nothing to do.
type PushItem struct {
	catalog.ItemResult // but for the problem, which comes of Err

	Err     error           // why it failed; nothing of it is saved. SavePush sets it, too
	Record  *catalog.Record // to save
	Changed *catalog.Image  // to save metadata and captions of; nothing else is looked at
	Deleted string          // ID

	Fetched *catalog.Fetched // kept beside that, if it is news

	Original string // SHA-256 of the picture of an upsert
}

// SavePush saves all of a push, with what became of each item, or nothing. A change of an
// image that was replaced or deleted meanwhile fails with catalog.ErrConflict, by itself.
func (s *Store) SavePush(ctx context.Context, collection catalog.CollectionID, push *Push) error {
	err := s.updateRepeatedly(ctx, func(tx *sql.Tx) error {
		if push.Chunk != nil {
			if err := heldChunk(ctx, tx, *push.Chunk, `expires = expires`); err != nil {
				return err
			}
		}
		if err := s.saveItems(ctx, tx, collection, push); err != nil {
			return err
		}
		if err := saveOriginals(ctx, tx, collection, push); err != nil {
			return err
		}
		if push.Chunk == nil {
			return nil
		}
		return saveResults(ctx, tx, push)
	})
	if err != nil {
		return fmt.Errorf("save pushed images of %q: %w", collection, err)
	}
	return nil
}

func (s *Store) saveItems(ctx context.Context, tx *sql.Tx, collection catalog.CollectionID, push *Push) (err error) {
	var deleted []string
	for i := range push.Items {
		item := &push.Items[i]
		switch {
		case item.Err != nil:
		case item.Record != nil:
			err = s.saveImage(ctx, tx, collection, push.Fingerprint, *item.Record)
		case item.Changed != nil:
			if err = s.patchImage(ctx, tx, *item.Changed); errors.Is(err, catalog.ErrConflict) {
				item.Err, err = err, nil
			}
		case item.Deleted != "":
			deleted = append(deleted, item.Deleted)
		}
		if err == nil && item.Err == nil && item.Fetched != nil {
			err = saveFetched(ctx, tx, *item.Fetched)
		}
		if err != nil {
			return fmt.Errorf("%.80q: %w", item.ID, err)
		}
	}
	for chunk := range slices.Chunk(deleted, maxList) {
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
		return catalog.Conflict("image %.80q was replaced or deleted meanwhile: change it again", image.PublicID())
	}
	return saveCaptions(ctx, tx, image.ID, image.Captions)
}

func saveResults(ctx context.Context, tx *sql.Tx, push *Push) error {
	for some := range slices.Chunk(push.Items, maxChunkRows) {
		var rows []string
		var args []any
		for _, item := range some {
			r := item.ItemResult
			if item.Err != nil {
				r.Outcome = catalog.OutcomeFailed
				r.Problem, r.Detail = push.Explain(item.Err)
			}
			rows = append(rows, values(len(args), 7, ""))
			args = append(args, push.Chunk.Job, r.Number, r.ID, r.Operation, r.Outcome, r.Problem, r.Detail)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO job_items (job, number, item, operation, outcome, problem, detail)
			VALUES `+strings.Join(rows, ", ")+` ON CONFLICT (job, number) DO UPDATE SET item = excluded.item, operation = excluded.operation,
				outcome = excluded.outcome, problem = excluded.problem, detail = excluded.detail`, args...); err != nil {
			return fmt.Errorf("save results of job %s: %w", push.Chunk.Job, err)
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

// Results are those of the items of a job, by number, that have an outcome, from a number
// to another. They come without their details.
func (j *Jobs) Results(ctx context.Context, job string, first, last int64) (map[int64]catalog.ItemResult, error) {
	results := make(map[int64]catalog.ItemResult)
	err := each(ctx, j.store.read, func(scan func(...any) error) error {
		var r catalog.ItemResult
		err := scan(&r.Number, &r.ID, &r.Outcome)
		results[r.Number] = r
		return err
	}, `SELECT number, item, outcome FROM job_items WHERE job = $1 AND number >= $2 AND number <= $3`, job, first, last)
	if err != nil {
		return nil, fmt.Errorf("read items of job %s: %w", job, err)
	}
	return results, nil
}
