package catalog

import (
	"encoding/json"
	"slices"
	"time"
)

// JobState is where a job stands.
type JobState string

const (
	JobQueued    JobState = "queued"    // waits for a worker, or for its moment
	JobRunning   JobState = "running"   // a worker holds its lease
	JobPaused    JobState = "paused"    // by somebody; waits to be resumed
	JobSucceeded JobState = "succeeded" // for good
	JobFailed    JobState = "failed"    // can be tried again by hand
	JobCanceled  JobState = "canceled"  // by somebody; can be tried again by hand
)

// jobMoves holds every transition that a job may take. The documentation of
// indexer/jobs draws it.
var jobMoves = map[JobState][]JobState{
	JobQueued:    {JobRunning, JobPaused, JobCanceled},
	JobRunning:   {JobQueued, JobPaused, JobSucceeded, JobFailed, JobCanceled},
	JobPaused:    {JobQueued, JobCanceled},
	JobSucceeded: {},
	JobFailed:    {JobQueued},
	JobCanceled:  {JobQueued},
}

// JobStates lists all states.
func JobStates() []JobState {
	return []JobState{JobQueued, JobRunning, JobPaused, JobSucceeded, JobFailed, JobCanceled}
}

// MayBecome reports whether a job may go from this state to another one.
func (s JobState) MayBecome(next JobState) bool { return slices.Contains(jobMoves[s], next) }

// Finished reports whether nothing more happens unless somebody retries the job.
func (s JobState) Finished() bool {
	return s == JobSucceeded || s == JobFailed || s == JobCanceled
}

// Job is a piece of work in the background that outlives the process.
type Job struct {
	ID         string          `json:"id"` // UUIDv7: sorts by creation
	Kind       string          `json:"kind"`
	Collection string          `json:"collection,omitempty"`
	State      JobState        `json:"state"`
	Wanted     JobState        `json:"wanted,omitempty"` // for a running job: canceled or paused, as soon as its worker has let go
	Priority   int             `json:"priority"`         // higher is sooner
	Params     json.RawMessage `json:"params"`           // what to do, by kind
	Progress   json.RawMessage `json:"progress"`         // how far it is, by kind
	Error      string          `json:"error,omitempty"`  // of the last attempt
	Failures   int             `json:"failures"`         // attempts that ended in an error
	Losses     int             `json:"losses"`           // attempts whose worker fell silent
	RunAfter   time.Time       `json:"run_after,omitzero"`
	Created    time.Time       `json:"created"`
	Started    time.Time       `json:"started,omitzero"` // for the first time
	Finished   time.Time       `json:"finished,omitzero"`
	Sequence   int64           `json:"sequence"` // of its last change; grows over all jobs

	// Problem is what keeps the job from going on now, such as a full disk; it goes on
	// by itself once that is over. It is not kept in the catalogue.
	Problem string `json:"problem,omitempty"`

	Scan *Scan `json:"-"` // of a job that is being added; it is not kept with the job

	Exclusive string    `json:"-"` // no two running jobs have the same; empty: no limit
	Lease     string    `json:"-"` // fencing token of the worker that runs it; empty: none
	Expires   time.Time `json:"-"` // when the lease ends unless it is renewed
}

// Move takes the job to another state at the given time and ends its lease.
// ErrConflict when the table of transitions has no such move.
func (j *Job) Move(next JobState, now time.Time) error {
	if !j.State.MayBecome(next) {
		return j.refuse(next)
	}
	j.State, j.Wanted, j.Lease, j.Expires, j.Finished = next, "", "", time.Time{}, time.Time{}
	if next.Finished() {
		j.Finished = now
	}
	return nil
}

// refuse says why the job cannot go to another state.
func (j *Job) refuse(next JobState) error {
	switch {
	case next == j.State:
		return Conflict("job %.80q is %s already", j.ID, j.State)
	case j.State == JobSucceeded:
		return Conflict("job %.80q has succeeded: it is over, and cannot become %s", j.ID, next)
	case j.State.Finished():
		return Conflict("job %.80q is over: it is %s, and cannot become %s unless it is retried", j.ID, j.State, next)
	}
	return Conflict("job %.80q is %s, and cannot become %s", j.ID, j.State, next)
}

// ExclusiveCollection is the Exclusive of a job that has a collection to itself.
func ExclusiveCollection(name string) string { return "collection/" + name }

// JobFilter chooses jobs. Empty fields choose all.
type JobFilter struct {
	Collection string
	Kind       string
	States     []JobState
	Among      []string // collections; nil: all, and jobs without one
	Before     string   // ID: only jobs that were created earlier
	Limit      int      // most jobs; 0: 100
}

// JobClaim says which jobs a worker can take. Among the waiting jobs whose time
// has come, the highest priority comes first; then the kind with the fewest running
// jobs, or the longest without a turn; within the kind, the collection chosen in the
// same way; then the oldest job. A job is passed over while another with the same
// Exclusive runs.
type JobClaim struct {
	Room  map[string]int // most jobs to take by kind; other kinds are left alone
	Most  int            // in all
	Lease time.Duration  // how long the leases hold unless they are renewed
}
