// Package jobs is the queue of everything that takes long: jobs of registered
// kinds, run by the workers of any number of processes that share a database.
//
// These are the states of a job and all its moves (catalog.JobState.MayBecome
// has the same as a table):
//
//	            pause                        cancel
//	 ┌────────────────── queued ───────────────────────┐
//	 │                   ▲    │                        │
//	 │  ┌─── resume ────►│    │ claim                  │
//	 ▼  │                │    │                        ▼
//	paused     hand back │    │                    canceled ──► queued (retry)
//	 ▲  │      try again │    │                       ▲▲
//	 │  │     lease lost │    │                       ││
//	 │  └────────────────┼────┼───── cancel ──────────┘│
//	 │                   │    ▼                        │
//	 └────────────────── running ──────────────────────┘
//	            pause     │    │             cancel
//	                      ▼    ▼
//	              succeeded    failed ──► queued (retry)
//
// A worker holds a running job by a lease: a token that no other worker has (the
// fence), and a time at which it ends unless the worker gives a sign of life
// before. A job whose lease has ended goes back to queued, where any worker may
// claim it. Whatever its former worker still writes is refused with
// catalog.ErrLeaseLost, and a worker that cannot renew a lease ends the context
// of the handler at the moment when the lease ends. With the default settings a
// dead worker's job is claimed again within 16 s, and within 26 s if the database
// is slow.
//
// Every change of a job has a number. Follow reports changes in the order of these
// numbers, from any number on, in every process; progress counts as a change, a few
// times a second at most.
//
// The package does not deliver exactly once: a handler may be given a job that an
// earlier one has half done, together with its progress. It knows no SQL (see
// Store), no jobs that wait for others, and no pieces of jobs: a kind whose jobs
// many workers share can keep pieces in a table of its own, with leases of the
// same form.
package jobs
