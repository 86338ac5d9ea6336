package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
	"polylens/indexer/source"
)

// Kinds of jobs.
const (
	JobIndex   = "index"   // Run over a directory
	JobCheck   = "check"   // Examine, without a change
	JobRepair  = "repair"  // Examine and mend
	JobRebuild = "rebuild" // Rebuild
)

// JobParams says what a job has to do.
type JobParams struct {
	Directory   string `json:"directory,omitempty"` // of an index job
	RetryFailed bool   `json:"retry_failed,omitempty"`
	MaxPatches  int    `json:"max_patches,omitempty"` // see Request, like all below; of an index job

	Metadata        catalog.MetadataChoice `json:"metadata,omitempty"`
	Rehash          bool                   `json:"rehash,omitempty"`
	ConfirmRemoval  bool                   `json:"confirm_removal,omitempty"`
	ConfirmedFor    string                 `json:"confirmed_for,omitempty"` // Jobs.Index fills it in
	MaxRemovedShare *float64               `json:"max_removed_share,omitempty"`

	Read Sample `json:"read,omitzero"` // of a check or repair, see CheckOrder

	source.Rules // what to look at in the directory
}

// Kinds returns the kinds of jobs of the indexer, which run one at a time for each
// collection. indexed, which may be nil, is called at the end of an index job that has
// succeeded so far; its error is the job's.
func (ix *Indexer) Kinds(indexed func(ctx context.Context, collection string) error) []jobs.Kind {
	return []jobs.Kind{
		{Name: JobIndex, PerProcess: 1, Waits: true, Passing: database.IsAway, Exclusive: jobs.PerCollection, Handle: func(ctx context.Context, job *jobs.Running) error {
			if err := ix.indexJob(ctx, job); err != nil || indexed == nil {
				return err
			}
			return indexed(ctx, job.Collection)
		}},
		{Name: JobCheck, PerProcess: 1, Exclusive: jobs.PerCollection, Handle: ix.checkJob(JobCheck), Waits: true, Passing: database.IsAway},
		{Name: JobRepair, PerProcess: 1, Exclusive: jobs.PerCollection, Handle: ix.checkJob(JobRepair), Waits: true, Passing: database.IsAway},
		{Name: JobRebuild, PerProcess: 1, Exclusive: jobs.PerCollection, Handle: ix.checkJob(JobRebuild), Waits: true, Passing: database.IsAway},
	}
}

func (ix *Indexer) indexJob(ctx context.Context, job *jobs.Running) error {
	var params JobParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	directory, err := source.NewDirectoryWith(params.Directory, params.Rules)
	if err != nil {
		return err
	}
	report, err := ix.Run(ctx, Request{
		Collection: job.Collection, Source: directory, RetryFailed: params.RetryFailed, MaxPatches: params.MaxPatches, Metadata: params.Metadata,
		Rehash: params.Rehash, ConfirmRemoval: params.ConfirmRemoval, ConfirmedFor: params.ConfirmedFor, MaxRemovedShare: params.MaxRemovedShare,
	}, func(p Progress) { _ = job.Report(ctx, p) }) // ctx ends when the job is lost
	return errors.Join(err, job.Report(context.WithoutCancel(ctx), report))
}

// checkJob is the handler of a job that examines what is kept.
func (ix *Indexer) checkJob(kind string) jobs.Handler {
	return func(ctx context.Context, job *jobs.Running) error {
		var params JobParams
		if err := json.Unmarshal(job.Params, &params); err != nil {
			return fmt.Errorf("parameters of the job: %w", err)
		}
		order := CheckOrder{Collection: job.Collection, Kind: kind, Read: params.Read}
		result, err := ix.Examine(ctx, order, func(p Progress) { _ = job.Report(ctx, p) })
		return errors.Join(err, job.Report(context.WithoutCancel(ctx), result))
	}
}

// Jobs is the queue with orders for the indexer, which are checked before they
// are queued.
type Jobs struct {
	*jobs.Queue
	indexer *Indexer
}

// NewJobs takes orders for a queue that has the indexer's Kinds.
func NewJobs(queue *jobs.Queue, indexer *Indexer) *Jobs { return &Jobs{queue, indexer} }

// Index queues the indexing of a directory into a collection, which is created if
// it is missing. catalog.ErrInvalid when the directory cannot be read or the model
// cannot cut pictures as params ask.
func (j *Jobs) Index(ctx context.Context, collection string, params JobParams) (catalog.Job, error) {
	directory, err := j.checkFolder(collection, params)
	if err != nil {
		return catalog.Job{}, err
	}
	scan, err := j.scanOf(ctx, collection, directory.Path())
	if err != nil {
		return catalog.Job{}, err
	}
	return j.queueIndex(ctx, collection, params, directory, scan)
}

// Check queues an examination of what is kept. catalog.ErrInvalid for an order that none
// can follow.
func (j *Jobs) Check(ctx context.Context, order CheckOrder) (catalog.Job, error) {
	if checkers[order.Kind] == nil || order.Collection == "" && order.Kind == JobRebuild {
		return catalog.Job{}, fmt.Errorf("kind of check %.40q is %w: want check or repair, or of a collection rebuild", order.Kind, catalog.ErrInvalid)
	}
	if err := order.Read.Validate(); err != nil {
		return catalog.Job{}, err
	}
	if order.Collection != "" {
		if _, err := j.indexer.store.UncountedCollection(ctx, order.Collection); err != nil {
			return catalog.Job{}, err
		}
	}
	return j.Enqueue(ctx, jobs.Order{Kind: order.Kind, Collection: order.Collection, Params: JobParams{Read: order.Read}})
}

// DeleteCollection removes a collection, its index and the jobs of it that wait.
// catalog.ErrConflict while a job works on it: what it did would be thrown away, and
// it would look as if it had succeeded.
func (j *Jobs) DeleteCollection(ctx context.Context, name string) error {
	found, err := j.List(ctx, catalog.JobFilter{Collection: name, States: unfinished(), Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	for _, job := range found {
		if job.State == catalog.JobRunning {
			return catalog.Conflict("collection %q cannot be deleted while job %s works on it: wait for it, or cancel it", name, job.ID)
		}
	}
	if _, err := j.indexer.store.UncountedCollection(ctx, name); err != nil {
		return err
	}
	for _, job := range found {
		if _, err := j.Cancel(ctx, job.ID); err != nil && !errors.Is(err, catalog.ErrConflict) {
			return err
		}
	}
	return j.indexer.DeleteCollection(ctx, name)
}
