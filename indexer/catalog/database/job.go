package database

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"polylens/indexer/catalog"
)

// Jobs is the part of the catalogue that the queue works on. It implements jobs.Store
// of indexer/jobs.
//
// Whoever changes jobs first locks the one row of job_sequence, until commit, so
// that changes come one after the other and their numbers become visible in order.
type Jobs struct {
	store *Store
	clock func() time.Time // nil: the database's
}

// Jobs returns the jobs of the catalogue. If clock is nil, times come from the
// database, whose clock is shared by all processes that work on it.
func (s *Store) Jobs(clock func() time.Time) *Jobs {
	if clock == nil && !s.isPostgres() {
		clock = time.Now // a file: all its processes are on this machine
	}
	return &Jobs{store: s, clock: clock}
}

const (
	jobColumns = `jobs.id, jobs.kind, jobs.collection, jobs.state, jobs.wanted, jobs.priority, jobs.exclusive, jobs.params,
		jobs.progress, jobs.error, jobs.failures, jobs.losses, jobs.lease, jobs.expires, jobs.run_after,
		jobs.created, jobs.started, jobs.finished, jobs.sequence`
	insertJobs = `INSERT INTO jobs (id, kind, collection, state, wanted, priority, exclusive, params, progress, error,
			failures, losses, lease, expires, run_after, created, started, finished, sequence) VALUES `
	updateJob = `UPDATE jobs SET kind = $2, collection = $3, state = $4, wanted = $5, priority = $6, exclusive = $7, params = $8,
			progress = $9, error = $10, failures = $11, losses = $12, lease = $13, expires = $14, run_after = $15,
			created = $16, started = $17, finished = $18, sequence = $19
		WHERE id = $1`
)

func jobValues(job catalog.Job) []any {
	return []any{
		job.ID, job.Kind, job.Collection, job.State, job.Wanted, job.Priority, job.Exclusive, string(job.Params),
		string(job.Progress), job.Error, job.Failures, job.Losses, job.Lease, millis(job.Expires), millis(job.RunAfter),
		millis(job.Created), millis(job.Started), millis(job.Finished), job.Sequence,
	}
}

func scanJob(scan func(...any) error) (catalog.Job, error) {
	var j catalog.Job
	var params, progress string
	var expires, runAfter, created, started, finished int64
	err := scan(&j.ID, &j.Kind, &j.Collection, &j.State, &j.Wanted, &j.Priority, &j.Exclusive, &params,
		&progress, &j.Error, &j.Failures, &j.Losses, &j.Lease, &expires, &runAfter,
		&created, &started, &finished, &j.Sequence)
	j.Params, j.Progress = json.RawMessage(params), json.RawMessage(progress)
	j.Expires, j.RunAfter = fromMillis(expires), fromMillis(runAfter)
	j.Created, j.Started, j.Finished = fromMillis(created), fromMillis(started), fromMillis(finished)
	return j, err
}

func readJobs(ctx context.Context, db querier, query string, args ...any) ([]catalog.Job, error) {
	jobs := []catalog.Job{}
	err := each(ctx, db, func(scan func(...any) error) error {
		job, err := scanJob(scan)
		jobs = append(jobs, job)
		return err
	}, `SELECT `+jobColumns+query, args...)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return jobs, nil
}

func readJob(ctx context.Context, db querier, id string) (catalog.Job, error) {
	jobs, err := readJobs(ctx, db, ` FROM jobs WHERE id = $1`, id)
	if err != nil {
		return catalog.Job{}, err
	}
	if len(jobs) == 0 {
		return catalog.Job{}, fmt.Errorf("job %.80q: %w", id, catalog.ErrNotFound)
	}
	return jobs[0], nil
}

// change locks all jobs, takes numbers for changes, and does them. first is the
// lowest of the numbers.
func (j *Jobs) change(ctx context.Context, numbers int, do func(tx *sql.Tx, first int64, now time.Time) error) error {
	return j.store.update(ctx, func(tx *sql.Tx) error {
		var last, moment int64
		row := tx.QueryRowContext(ctx, `UPDATE job_sequence SET value = value + $1 RETURNING value, `+j.moment(), numbers)
		if err := row.Scan(&last, &moment); err != nil {
			return fmt.Errorf("lock jobs: %w", err)
		}
		return do(tx, last-int64(numbers)+1, j.now(moment))
	})
}

// moment is an SQL expression for the database's clock, or 0 where another clock is used.
func (j *Jobs) moment() string {
	if j.clock != nil {
		return `0`
	}
	return `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`
}

// now is the time that the expression gave.
func (j *Jobs) now(moment int64) time.Time {
	if j.clock != nil {
		moment = millis(j.clock())
	}
	return fromMillis(moment)
}

// Get implements jobs.Store.
func (j *Jobs) Get(ctx context.Context, id string) (catalog.Job, error) {
	return readJob(ctx, j.store.read, id)
}

// defaultJobs is how many jobs List returns unless told otherwise.
const defaultJobs = 100

// List implements jobs.Store. The statement holds only the conditions that are set, so
// that an index serves them.
func (j *Jobs) List(ctx context.Context, filter catalog.JobFilter) ([]catalog.Job, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition, value string) {
		if value != "" {
			args = append(args, value)
			where = append(where, condition+" $"+strconv.Itoa(len(args)))
		}
	}
	add("collection =", filter.Collection)
	add("kind =", filter.Kind)
	add("id <", filter.Before)
	if len(filter.States) > 0 {
		list, states := inList(len(args)+1, filter.States)
		where, args = append(where, "state IN ("+list+")"), append(args, states...)
	}
	if filter.Among != nil {
		list, names := inList(len(args)+1, filter.Among)
		where, args = append(where, "collection IN ("+cmp.Or(list, "NULL")+")"), append(args, names...)
	}
	limit := filter.Limit
	if limit <= 0 {
		limit = defaultJobs
	}
	return readJobs(ctx, j.store.read, ` FROM jobs WHERE `+strings.Join(where, " AND ")+
		` ORDER BY id DESC LIMIT `+strconv.Itoa(limit), args...)
}

// Changed implements jobs.Store.
func (j *Jobs) Changed(ctx context.Context, after int64, limit int) ([]catalog.Job, error) {
	return readJobs(ctx, j.store.read, ` FROM jobs WHERE sequence > $1 ORDER BY sequence LIMIT $2`, after, limit)
}

// Last implements jobs.Store.
func (j *Jobs) Last(ctx context.Context) (int64, error) {
	var last int64
	if err := j.store.read.QueryRowContext(ctx, `SELECT value FROM job_sequence`).Scan(&last); err != nil {
		return 0, fmt.Errorf("read number of the last change of a job: %w", err)
	}
	return last, nil
}

// Insert implements jobs.Store.
func (j *Jobs) Insert(ctx context.Context, jobs []catalog.Job) ([]catalog.Job, error) {
	inserted := slices.Clone(jobs)
	err := j.change(ctx, len(jobs), func(tx *sql.Tx, first int64, now time.Time) error {
		for i := range inserted {
			inserted[i].Created, inserted[i].Sequence = now, first+int64(i)
			if err := noteScan(ctx, tx, inserted[i]); err != nil {
				return err
			}
		}
		for chunk := range slices.Chunk(inserted, maxRows) {
			if err := insertChunk(ctx, tx, chunk); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO job_turns (kind, collection, turn)
			SELECT DISTINCT kind, collection, 0 FROM jobs WHERE sequence >= $1
			ON CONFLICT DO NOTHING`, first)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("add jobs: %w", err)
	}
	return inserted, nil
}

// maxRows bounds the rows of one statement that inserts.
const maxRows = 10

func insertChunk(ctx context.Context, tx *sql.Tx, jobs []catalog.Job) error {
	var rows []string
	var args []any
	for _, job := range jobs {
		values := jobValues(job)
		places := make([]string, len(values))
		for i := range values {
			places[i] = "$" + strconv.Itoa(len(args)+i+1)
		}
		rows, args = append(rows, "("+strings.Join(places, ", ")+")"), append(args, values...)
	}
	_, err := tx.ExecContext(ctx, insertJobs+strings.Join(rows, ", "), args...)
	return err
}

// Change implements jobs.Store.
func (j *Jobs) Change(ctx context.Context, id string, change func(job *catalog.Job, now time.Time) error) (catalog.Job, error) {
	var job catalog.Job
	err := j.change(ctx, 1, func(tx *sql.Tx, number int64, now time.Time) error {
		var err error
		if job, err = readJob(ctx, tx, id); err != nil {
			return err
		}
		before := job.State
		if err := change(&job, now); err != nil {
			return err
		}
		if job.State != before && !before.MayBecome(job.State) {
			return catalog.Conflict("job %s cannot go from %s to %s", id, before, job.State)
		}
		job.Sequence = number
		return writeJob(ctx, tx, job)
	})
	return job, err
}

func writeJob(ctx context.Context, tx *sql.Tx, job catalog.Job) error {
	if _, err := tx.ExecContext(ctx, updateJob, jobValues(job)...); err != nil {
		return fmt.Errorf("change job %s: %w", job.ID, err)
	}
	return nil
}

// Expired implements jobs.Store.
func (j *Jobs) Expired(ctx context.Context, kinds []string, limit int) ([]catalog.Job, error) {
	now, err := j.readClock(ctx)
	if err != nil || len(kinds) == 0 {
		return nil, err
	}
	list, args := inList(3, kinds)
	return readJobs(ctx, j.store.read, ` FROM jobs WHERE state = 'running' AND expires <= $1 AND kind IN (`+list+`)
		ORDER BY expires LIMIT $2`, append([]any{millis(now), limit}, args...)...)
}

func (j *Jobs) readClock(ctx context.Context) (time.Time, error) {
	if j.clock != nil {
		return j.clock(), nil
	}
	var moment int64
	if err := j.store.read.QueryRowContext(ctx, `SELECT `+j.moment()).Scan(&moment); err != nil {
		return time.Time{}, fmt.Errorf("read the clock of the catalogue: %w", err)
	}
	return fromMillis(moment), nil
}

// Delete implements jobs.Store.
func (j *Jobs) Delete(ctx context.Context, age time.Duration, limit int) (int, error) {
	deleted := int64(0)
	err := j.change(ctx, 0, func(tx *sql.Tx, _ int64, now time.Time) error {
		result, err := tx.ExecContext(ctx, `
			DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished > 0 AND finished < $1 ORDER BY finished LIMIT $2)`,
			millis(now.Add(-age)), limit)
		if err != nil {
			return err
		}
		deleted = changed(result)
		_, err = tx.ExecContext(ctx, `
			DELETE FROM job_turns WHERE NOT EXISTS (
				SELECT 1 FROM jobs WHERE jobs.kind = job_turns.kind AND jobs.collection = job_turns.collection)`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete old jobs: %w", err)
	}
	return int(deleted), nil
}
