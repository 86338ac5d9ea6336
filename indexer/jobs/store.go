package jobs

import (
	"context"
	"time"

	"polylens/indexer/catalog"
)

// Store is what the queue needs of a database. Its methods may be called from
// many goroutines and processes; each is one transaction. All times are those of
// one clock, which the processes that share the database share as well.
//
// Every change of a job gives it the next sequence number, and numbers become
// visible in order: whoever has seen a number will never see a lower one for the
// first time.
type Store interface {
	// Insert adds jobs in state queued, all or none, and completes Created and
	// Sequence. catalog.ErrConflict for a scan of a source that has another one.
	Insert(ctx context.Context, jobs []catalog.Job) ([]catalog.Job, error)

	// Get returns one job, or catalog.ErrNotFound.
	Get(ctx context.Context, id string) (catalog.Job, error)

	// List returns jobs, newest first.
	List(ctx context.Context, filter catalog.JobFilter) ([]catalog.Job, error)

	// Changed returns up to limit jobs as they are now whose last change has a
	// number above after, in order of it.
	Changed(ctx context.Context, after int64, limit int) ([]catalog.Job, error)

	// Last returns the number of the last change of all, 0 if there was none.
	Last(ctx context.Context) (int64, error)

	// Change reads a job, lets change alter it at the time now, and writes it,
	// undisturbed by others. An error of change leaves the job as it was and is
	// returned. A state that the table of transitions does not allow is refused
	// with catalog.ErrConflict. change may be called again.
	Change(ctx context.Context, id string, change func(job *catalog.Job, now time.Time) error) (catalog.Job, error)

	// Claim takes the jobs whose turn it is, see Claim, sets them running and
	// gives each a new lease.
	Claim(ctx context.Context, claim catalog.JobClaim) ([]catalog.Job, error)

	// Renew makes a lease end after a time from now; catalog.ErrLeaseLost when the
	// job has another lease, or none. It is no change: the number stays.
	Renew(ctx context.Context, id, lease string, after time.Duration) error

	// Expired returns up to limit running jobs of the kinds whose lease has ended.
	Expired(ctx context.Context, kinds []string, limit int) ([]catalog.Job, error)

	// Delete removes up to limit finished jobs that ended longer ago than age,
	// and returns how many.
	Delete(ctx context.Context, age time.Duration, limit int) (int, error)
}
