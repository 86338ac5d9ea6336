package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/indexer/source"
	"polylens/internal/disk"
)

// JobModel is the kind of jobs that prepare another model.
const JobModel = "model"

// Progress is how far a job of kind JobModel has come.
type Progress struct {
	indexer.Report
	Model      string `json:"model"`      // that is being prepared
	Collection string `json:"collection"` // that is being encoded
}

// Kind is the kind of job that encodes all collections with the next model, compares
// it with the one in use, and makes searches use it. If its process falls silent,
// another one takes over: what is encoded is not encoded again.
func (r *Rollout) Kind() jobs.Kind {
	return jobs.Kind{Name: JobModel, Handle: r.handle, Canceled: r.canceled, PerProcess: 1, Waits: true, Exclusive: func(string) string { return "model" }}
}

func (r *Rollout) handle(ctx context.Context, job *jobs.Running) error {
	next := r.preparedBy(job.ID)
	if next == nil {
		return r.endWithout(job.Job)
	}
	err := r.encodeAll(ctx, job, next.Model)
	r.switching.Lock()
	defer r.switching.Unlock()
	if now := r.Choice().Next; now == nil || now.Job != job.ID {
		return errors.Join(err, r.outcome) // rolled back meanwhile
	}
	if err == nil {
		err = r.complete(ctx, *next)
	}
	if err == nil || isInterrupted(ctx) || disk.IsFull(err) {
		return err
	}
	r.Log.Error("the next model is not used", "model", next.Model, "error", err)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpLimit)
	defer cancel()
	return errors.Join(err, r.forget(last, err))
}

// endWithout is how a job ends that prepares nothing any more. One whose process
// ended between the flip and the note of its end has done its work.
func (r *Rollout) endWithout(job catalog.Job) error {
	var model Used
	if err := json.Unmarshal(job.Params, &model); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	if r.Choice().Used == model {
		return nil
	}
	return errors.New("the model was given up")
}

// canceled gives up the next model after its job was canceled. Whoever gives it up
// first cancels the job while changes of the model wait.
func (r *Rollout) canceled(ctx context.Context, job catalog.Job) error {
	if next := r.Choice().Next; next == nil || next.Job != job.ID {
		return nil
	}
	r.switching.Lock()
	defer r.switching.Unlock()
	if next := r.Choice().Next; next == nil || next.Job != job.ID {
		return nil
	}
	return r.forget(ctx, errors.New("its job was canceled"))
}

// preparedBy is the next model if this job prepares it, else nil. It waits until
// whoever ordered the job has noted its ID.
func (r *Rollout) preparedBy(job string) *Next {
	r.switching.Lock()
	defer r.switching.Unlock()
	if next := r.Choice().Next; next != nil && next.Job == job {
		return next
	}
	return nil
}

// giveUpLimit bounds what is written when a model is given up after its job was
// canceled.
const giveUpLimit = 10 * time.Second

// isInterrupted reports whether the job goes on later, here or elsewhere.
func isInterrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), jobs.ErrCanceled)
}

// encodeAll encodes what the next model has not seen.
func (r *Rollout) encodeAll(ctx context.Context, job *jobs.Running, model string) error {
	behind, err := r.behind(ctx, r.models.indexing())
	if err != nil {
		return err
	}
	for _, collection := range behind {
		directories, pushed, err := r.sources(ctx, collection)
		if err != nil {
			return err
		}
		if pushed {
			if _, err := r.Indexer.EncodePushed(ctx, collection.Name); err != nil {
				return err
			}
		}
		for _, directory := range directories {
			if err := r.encode(ctx, job, Progress{Model: model, Collection: collection.Name}, directory); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode encodes the pictures of one folder.
func (r *Rollout) encode(ctx context.Context, job *jobs.Running, progress Progress, directory *source.Directory) error {
	request := indexer.Request{Collection: progress.Collection, Source: directory}
	var err error
	progress.Report, err = r.Indexer.Run(ctx, request, func(p indexer.Progress) {
		_ = job.Report(ctx, Progress{indexer.Report{Progress: p}, progress.Model, progress.Collection}) // ctx ends when the job is lost
	})
	return errors.Join(err, job.Report(context.WithoutCancel(ctx), progress))
}

// sources returns the folders where the pictures of a collection come from, with the rules
// by which they were walked, and whether clients have sent some. A folder that can no longer
// be read is catalog.ErrInvalid.
func (r *Rollout) sources(ctx context.Context, collection catalog.Collection) (directories []*source.Directory, pushed bool, err error) {
	names, err := r.Catalog.Sources(ctx, collection.ID)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		if name == catalog.PushedSource {
			pushed = true
			continue
		}
		directory, err := r.directory(ctx, collection, name)
		if err != nil {
			return nil, false, err
		}
		directories = append(directories, directory)
	}
	return directories, pushed, nil
}

func (r *Rollout) directory(ctx context.Context, collection catalog.Collection, name string) (*source.Directory, error) {
	folder, err := source.Folder(name)
	if err != nil {
		return nil, err
	}
	rules, err := r.Indexer.RulesOf(ctx, collection.ID, name)
	if err != nil {
		return nil, err
	}
	directory, err := source.NewDirectoryWith(folder, rules)
	if err != nil {
		return nil, fmt.Errorf("the pictures of collection %q are needed to encode them anew: %w: %w", collection.Name, catalog.ErrInvalid, err)
	}
	return directory, nil
}

// behind returns the collections that can be searched now, but not yet with the next
// model.
func (r *Rollout) behind(ctx context.Context, next *views) ([]catalog.Collection, error) {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil {
		return nil, err
	}
	var behind []catalog.Collection
	for _, collection := range collections {
		if collection.Images == 0 || !r.Searches(collection) || next.searches(collection) {
			continue
		}
		move, err := r.move(ctx, collection, next)
		if err != nil {
			return nil, err
		}
		if move.missing > 0 {
			behind = append(behind, collection)
		}
	}
	return behind, nil
}

// prepare queues the job that encodes collections for the next model. Whatever is
// indexed from now on is encoded with that model.
func (r *Rollout) prepare(ctx context.Context, next *views, model Next, behind []catalog.Collection) error {
	for _, collection := range behind { // nothing begins unless all pictures are there
		err := r.checkOriginals(ctx, collection, next, model.Model)
		if err == nil {
			_, _, err = r.sources(ctx, collection)
		}
		if err != nil {
			return errors.Join(err, next.retire())
		}
	}
	if err := r.models.expect(next); err != nil {
		return err
	}
	r.outcome = nil
	if err := r.order(ctx, model); err != nil {
		return errors.Join(err, r.abandon())
	}
	r.Log.Info("collections are encoded for the next model; searches use the one before", "model", model.Model, "collections", len(behind))
	return nil
}

// order queues the job that prepares the next model, and keeps both.
func (r *Rollout) order(ctx context.Context, model Next) error {
	job, err := r.Queue.Enqueue(ctx, jobs.Order{Kind: JobModel, Params: model.Used})
	if err != nil {
		return err
	}
	model.Job = job.ID
	choice := r.Choice()
	choice.Next = &model
	return r.choose(choice)
}

// Resume loads the next model again, if an earlier process has begun to encode for
// it. What was begun by a program that knew no jobs of kind JobModel gets one. Call it
// before any job runs.
func (r *Rollout) Resume(ctx context.Context) error {
	r.switching.Lock()
	defer r.switching.Unlock()
	if next := r.Choice().Next; next != nil && next.Job == "" {
		if err := r.order(ctx, *next); err != nil {
			return err
		}
	}
	if err := r.forgetCanceled(ctx); err != nil {
		return err
	}
	choice := r.Choice()
	if choice.Next == nil || r.models.indexing() != r.models.now() {
		return nil
	}
	next, err := r.load(ctx, choice.Next.Model)
	if err != nil {
		return r.giveUp(ctx, fmt.Errorf("the next model cannot be opened: %w", err))
	}
	return r.models.expect(next)
}

// forgetCanceled gives up a next model whose job has ended without completing it: it
// was canceled before it began, or failed because its workers fell silent.
func (r *Rollout) forgetCanceled(ctx context.Context) error {
	next := r.Choice().Next
	if next == nil {
		return nil
	}
	job, err := r.Queue.Get(ctx, next.Job)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return r.forget(ctx, errors.New("its job is gone"))
	case err != nil:
		return err
	case job.State.Finished():
		return r.forget(ctx, fmt.Errorf("its job is %s: %s", job.State, job.Error))
	}
	return nil
}

// complete compares the new index with the old one and lets searches use it.
func (r *Rollout) complete(ctx context.Context, next Next) error {
	views := r.models.indexing()
	behind, err := r.behind(ctx, views)
	if err != nil {
		return err
	}
	for _, collection := range behind {
		if err := r.checkSeen(ctx, collection, views); err != nil {
			return err
		}
	}
	if err := r.compare(ctx, views, next.Force); err != nil {
		return err
	}
	return r.flipAndCatchUp(ctx, views, r.Choice().To(next.Used))
}

// checkSeen fails if a model lacks pictures of a collection, but for those that clients have
// sent just now: they are encoded after the flip.
func (r *Rollout) checkSeen(ctx context.Context, collection catalog.Collection, views *views) error {
	move, err := r.move(ctx, collection, views)
	if err != nil {
		return err
	}
	_, pushed, err := r.sources(ctx, collection)
	lacking := move.missing
	if err == nil && pushed {
		lacking, err = r.lacking(ctx, collection, move.fingerprint)
	}
	if err == nil && lacking > 0 {
		err = fmt.Errorf("of the %d pictures of collection %q at least %d could not be encoded: index its folders, and send again what was sent, then try again",
			collection.Images, collection.Name, lacking)
	}
	return err
}

// lacking counts the pictures of a collection that a model cannot see.
func (r *Rollout) lacking(ctx context.Context, collection catalog.Collection, fingerprint string) (int, error) {
	failed, err := r.Indexer.EncodePushed(ctx, collection.Name)
	if err != nil {
		return failed, err
	}
	found, err := r.Catalog.FoundWithoutVector(ctx, collection.ID, fingerprint)
	return failed + found, err
}

// giveUp forgets the next model and cancels its job.
func (r *Rollout) giveUp(ctx context.Context, why error) error {
	job := r.Choice().Next.Job
	if err := r.forget(ctx, why); err != nil {
		return err
	}
	if _, err := r.Queue.Cancel(ctx, job); err != nil && !errors.Is(err, catalog.ErrConflict) && !errors.Is(err, catalog.ErrNotFound) {
		r.Log.Warn("a job cannot be canceled", "job", job, "error", err)
	}
	return nil
}

// forget forgets the next model, and records the reason with its run. Pictures that
// were indexed meanwhile, which only that model has seen, are indexed again.
func (r *Rollout) forget(ctx context.Context, why error) error {
	next := r.Choice().Next
	if run, err := r.Catalog.Run(ctx, next.Run); err == nil {
		reason := "its model is not used: " + why.Error()
		if err := r.Catalog.MoveRun(ctx, run.ID, run.State, run.State, reason); err != nil {
			r.Log.Warn("the reason why the model is not used cannot be kept", "run", run.Name, "error", err)
		}
	}
	r.outcome = why
	given := r.models.indexing()
	if err := r.abandon(); err != nil {
		return err
	}
	err := r.catchUp(ctx, func(c catalog.Collection) bool { return r.Searches(c) || given.knows(c.Fingerprint) })
	if err != nil { // the model is given up all the same
		r.Log.Warn("what was indexed meanwhile is not found before it is indexed again", "error", err)
	}
	return nil
}

// abandon makes indexing use the model of searches again.
func (r *Rollout) abandon() error {
	choice := r.Choice()
	choice.Next = nil
	return errors.Join(r.choose(choice), r.models.expect(nil))
}

// Settle waits until the next model is used or given up, and returns why it was given
// up. When ctx ends, the next model is given up.
func (r *Rollout) Settle(ctx context.Context) error {
	for r.Choice().Next != nil {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), r.giveUpLate(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
	r.switching.Lock()
	defer r.switching.Unlock()
	return r.outcome
}

// giveUpLate gives up the next model after its caller's context has ended.
func (r *Rollout) giveUpLate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpLimit)
	defer cancel()
	r.switching.Lock()
	defer r.switching.Unlock()
	if r.Choice().Next == nil {
		return nil
	}
	return r.giveUp(ctx, errors.New("canceled"))
}
