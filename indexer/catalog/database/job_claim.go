package database

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
)

// Claim implements jobs.Store.
func (j *Jobs) Claim(ctx context.Context, claim catalog.JobClaim) ([]catalog.Job, error) {
	if idle, err := j.nothingFor(ctx, claim.Room); idle || err != nil {
		return nil, err
	}
	var taken []catalog.Job
	err := j.change(ctx, claim.Most, func(tx *sql.Tx, first int64, now time.Time) error {
		taken = nil
		room := maps.Clone(claim.Room)
		for len(taken) < claim.Most {
			job, found, err := nextJob(ctx, tx, room, now)
			if err != nil || !found {
				return err
			}
			job.Sequence = first + int64(len(taken))
			if err := takeJob(ctx, tx, &job, now, claim.Lease); err != nil {
				return err
			}
			room[job.Kind]--
			taken = append(taken, job)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	return taken, nil
}

// nothingFor checks without a lock, so that idle workers write nothing.
func (j *Jobs) nothingFor(ctx context.Context, room map[string]int) (bool, error) {
	now, err := j.readClock(ctx)
	if err != nil {
		return false, err
	}
	_, found, err := nextJob(ctx, j.store.read, room, now)
	return !found, err
}

// nextJob returns the job whose turn it is, see catalog.JobClaim: the best among the
// best of each kind and collection.
func nextJob(ctx context.Context, db querier, room map[string]int, now time.Time) (job catalog.Job, found bool, err error) {
	var kinds []string
	for kind, left := range room {
		if left > 0 {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return catalog.Job{}, false, nil
	}
	list, args := inList(2, kinds)
	jobs, err := readJobs(ctx, db, ` FROM job_turns JOIN jobs ON jobs.id = (
			SELECT id FROM jobs AS waiting
			WHERE state = 'queued' AND waiting.kind = job_turns.kind AND waiting.collection = job_turns.collection AND run_after <= $1
			ORDER BY priority DESC, id LIMIT 1)
		WHERE job_turns.kind IN (`+list+`) AND NOT EXISTS (
			SELECT 1 FROM jobs AS other WHERE other.state = 'running' AND other.exclusive <> '' AND other.exclusive = jobs.exclusive)
		ORDER BY jobs.priority DESC,
			(SELECT COUNT(*) FROM jobs AS other WHERE other.state = 'running' AND other.kind = job_turns.kind),
			(SELECT MAX(turn) FROM job_turns AS other WHERE other.kind = job_turns.kind),
			(SELECT COUNT(*) FROM jobs AS other
				WHERE other.state = 'running' AND other.kind = job_turns.kind AND other.collection = job_turns.collection),
			job_turns.turn, jobs.id
		LIMIT 1`, append([]any{millis(now)}, args...)...)
	if err != nil || len(jobs) == 0 {
		return catalog.Job{}, false, err
	}
	return jobs[0], true, nil
}

// takeJob starts a job under a new lease, and counts the turn.
func takeJob(ctx context.Context, tx *sql.Tx, job *catalog.Job, now time.Time, lease time.Duration) error {
	token, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("make lease: %w", err)
	}
	if err := job.Move(catalog.JobRunning, now); err != nil {
		return err
	}
	job.Lease, job.Expires = token.String(), now.Add(lease)
	if job.Started.IsZero() {
		job.Started = now
	}
	if err := writeJob(ctx, tx, *job); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE job_turns SET turn = $1 WHERE kind = $2 AND collection = $3`,
		job.Sequence, job.Kind, job.Collection)
	return err
}

// Renew implements jobs.Store.
func (j *Jobs) Renew(ctx context.Context, id, lease string, after time.Duration) error {
	return j.change(ctx, 0, func(tx *sql.Tx, _ int64, now time.Time) error {
		result, err := tx.ExecContext(ctx, `UPDATE jobs SET expires = $1 WHERE id = $2 AND lease = $3 AND lease <> ''`,
			millis(now.Add(after)), id, lease)
		if err != nil {
			return fmt.Errorf("renew lease of job %.80q: %w", id, err)
		}
		if changed(result) == 0 {
			return fmt.Errorf("job %.80q: %w", id, catalog.ErrLeaseLost)
		}
		return nil
	})
}
