package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
)

const chunkColumns = `job, number, lane, items, first, last, content, lease, losses`

func scanChunk(scan func(...any) error) (catalog.Chunk, error) {
	var c catalog.Chunk
	err := scan(&c.Job, &c.Number, &c.Lane, &c.Items, &c.First, &c.Last, &c.Content, &c.Lease, &c.Losses)
	return c, err
}

// AddChunks keeps the chunks of a job, unless they are kept already.
func (j *Jobs) AddChunks(ctx context.Context, chunks []catalog.Chunk) error {
	err := j.store.update(ctx, func(tx *sql.Tx) error {
		for rows := range slices.Chunk(chunks, maxChunkRows) {
			if err := insertChunks(ctx, tx, rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add %d chunks: %w", len(chunks), err)
	}
	return nil
}

const maxChunkRows = 100 // of one statement

func insertChunks(ctx context.Context, tx *sql.Tx, chunks []catalog.Chunk) error {
	var rows []string
	var args []any
	for _, c := range chunks {
		rows = append(rows, values(len(args), 7, `, 'queued', '', 0, 0`))
		args = append(args, c.Job, c.Number, c.Lane, c.Items, c.First, c.Last, c.Content)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO job_chunks (job, number, lane, items, first, last, content, state, lease, expires, losses)
		VALUES `+strings.Join(rows, ", ")+` ON CONFLICT (job, number) DO NOTHING`, args...)
	return err
}

// values is "($5, $6, …)" for count values after so many others, with more behind them.
func values(before, count int, more string) string {
	places := make([]string, count)
	for i := range places {
		places[i] = "$" + strconv.Itoa(before+i+1)
	}
	return "(" + strings.Join(places, ", ") + more + ")"
}

// ClaimChunk takes the next chunk of a running job under a new lease: the first of a lane
// in which no chunk is running, or whose worker has fallen silent. found is false when
// there is none now.
func (j *Jobs) ClaimChunk(ctx context.Context, job string, lease time.Duration) (chunk catalog.Chunk, found bool, err error) {
	if now, err := j.readClock(ctx); err != nil {
		return chunk, false, err
	} else if _, found, err = nextChunk(ctx, j.store.read, job, now); err != nil || !found {
		return chunk, false, err // without a lock, so that idle workers write nothing
	}
	err = j.change(ctx, 0, func(tx *sql.Tx, _ int64, now time.Time) error {
		if chunk, found, err = nextChunk(ctx, tx, job, now); err != nil || !found {
			return err
		}
		return takeChunk(ctx, tx, &chunk, now.Add(lease))
	})
	if err != nil {
		return catalog.Chunk{}, false, fmt.Errorf("claim a chunk of job %s: %w", job, err)
	}
	return chunk, found, nil
}

func nextChunk(ctx context.Context, db querier, job string, now time.Time) (chunk catalog.Chunk, found bool, err error) {
	err = each(ctx, db, func(scan func(...any) error) error {
		chunk, err = scanChunk(scan)
		found = true
		return err
	}, `SELECT `+chunkColumns+` FROM job_chunks AS chunk
		WHERE job = $1 AND state <> 'succeeded' AND (state = 'queued' OR state = 'running' AND expires <= $2)
			AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = chunk.job AND jobs.state = 'running' AND jobs.wanted = '')
			AND NOT EXISTS (SELECT 1 FROM job_chunks AS earlier
				WHERE earlier.job = chunk.job AND earlier.lane = chunk.lane AND earlier.number < chunk.number AND earlier.state <> 'succeeded')
		ORDER BY number LIMIT 1`, job, millis(now))
	return chunk, found, err
}

func takeChunk(ctx context.Context, tx *sql.Tx, chunk *catalog.Chunk, expires time.Time) error {
	token, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("make lease: %w", err)
	}
	if chunk.Lease != "" {
		chunk.Losses++
	}
	chunk.Lease = token.String()
	_, err = tx.ExecContext(ctx, `UPDATE job_chunks SET state = 'running', lease = $1, expires = $2, losses = $3 WHERE job = $4 AND number = $5`,
		chunk.Lease, millis(expires), chunk.Losses, chunk.Job, chunk.Number)
	return err
}

// RenewChunk makes the lease of a chunk end after a time from now; catalog.ErrLeaseLost
// when it has another, or none.
func (j *Jobs) RenewChunk(ctx context.Context, chunk catalog.Chunk, lease time.Duration) error {
	now, err := j.readClock(ctx)
	if err != nil {
		return err
	}
	return j.store.update(ctx, func(tx *sql.Tx) error { // others need not wait for it, as for a change of jobs
		return heldChunk(ctx, tx, chunk, `expires = $4`, millis(now.Add(lease)))
	})
}

// FinishChunk notes that all items of a chunk have their outcome and stand in the index.
// catalog.ErrLeaseLost when it is another's by now.
func (j *Jobs) FinishChunk(ctx context.Context, chunk catalog.Chunk, counts catalog.PushCounts) error {
	return j.store.update(ctx, func(tx *sql.Tx) error {
		return heldChunk(ctx, tx, chunk, `state = 'succeeded', lease = '', expires = 0, created = $4, updated = $5, unchanged = $6, deleted = $7, failed = $8`,
			counts.Created, counts.Updated, counts.Unchanged, counts.Deleted, counts.Failed)
	})
}

// HandBackChunk gives a chunk up that is not done, so that another worker need not wait
// for the end of its lease. The losses become those of chunk.
func (j *Jobs) HandBackChunk(ctx context.Context, chunk catalog.Chunk) error {
	err := j.store.update(ctx, func(tx *sql.Tx) error {
		return heldChunk(ctx, tx, chunk, `state = 'queued', lease = '', expires = 0, losses = $4`, chunk.Losses)
	})
	if errors.Is(err, catalog.ErrLeaseLost) {
		return nil
	}
	return err
}

// heldChunk changes a chunk for the holder of its lease and nobody else, and keeps others
// from taking it until the transaction ends.
func heldChunk(ctx context.Context, tx *sql.Tx, chunk catalog.Chunk, set string, args ...any) error {
	result, err := tx.ExecContext(ctx, `UPDATE job_chunks SET `+set+` WHERE job = $1 AND number = $2 AND lease = $3 AND state = 'running'`,
		append([]any{chunk.Job, chunk.Number, chunk.Lease}, args...)...)
	if err != nil {
		return err
	}
	if changed(result) == 0 {
		return fmt.Errorf("chunk %d of job %s: %w", chunk.Number, chunk.Job, catalog.ErrLeaseLost)
	}
	return nil
}

// ChunksLeft reports whether a job has chunks that are not done.
func (j *Jobs) ChunksLeft(ctx context.Context, job string) (left bool, err error) {
	row := j.store.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job_chunks WHERE job = $1 AND state <> 'succeeded')`, job)
	if err := row.Scan(&left); err != nil {
		return false, fmt.Errorf("look for chunks of job %s: %w", job, err)
	}
	return left, nil
}

// WorkersLost reports whether a worker has died, or fallen silent, over a chunk of a job.
func (j *Jobs) WorkersLost(ctx context.Context, job string) (lost bool, err error) {
	row := j.store.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job_chunks WHERE job = $1 AND losses > 0)`, job)
	if err := row.Scan(&lost); err != nil {
		return false, fmt.Errorf("look for chunks of job %s: %w", job, err)
	}
	return lost, nil
}

// PushCounts add up the outcomes of the items of a job, of chunks that are done.
func (j *Jobs) PushCounts(ctx context.Context, job string) (counts catalog.PushCounts, err error) {
	row := j.store.read.QueryRowContext(ctx, `SELECT COALESCE(SUM(items), 0), COALESCE(SUM(created), 0), COALESCE(SUM(updated), 0),
			COALESCE(SUM(unchanged), 0), COALESCE(SUM(deleted), 0), COALESCE(SUM(failed), 0)
		FROM job_chunks WHERE job = $1`, job)
	err = row.Scan(&counts.Total, &counts.Created, &counts.Updated, &counts.Unchanged, &counts.Deleted, &counts.Failed)
	if err != nil {
		return counts, fmt.Errorf("count items of job %s: %w", job, err)
	}
	return counts, nil
}
