package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
)

// jobTrain is the kind of jobs that train a run.
const jobTrain = "train"

// trainParams says which run a job trains.
type trainParams struct {
	Run string `json:"run"` // ID
}

// Kind is the kind of job that trains a run.
func (t *Trainer) Kind() jobs.Kind {
	return jobs.Kind{Name: jobTrain, Handle: t.handle, Canceled: t.canceled, Retry: t.retry, PerProcess: 1, Exclusive: func(string) string { return jobTrain }}
}

// Recover takes up what an earlier process has left. Runs that it trained are
// stopped: to go on is for people to decide, who may want to search meanwhile.
func (t *Trainer) Recover(ctx context.Context) error {
	left, err := t.Catalog.RunsIn(ctx, catalog.RunRunning)
	if err != nil {
		return err
	}
	for _, run := range left {
		err := t.interrupted(ctx, run, t.patience())
		if err != nil && !errors.Is(err, catalog.ErrConflict) { // another process trains that one
			return err
		}
	}
	waiting, err := t.Catalog.RunsIn(ctx, catalog.RunQueued)
	if err != nil {
		return err
	}
	for _, run := range waiting {
		_, err := t.jobOf(ctx, run.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			err = t.enqueue(ctx, run)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// patience is how long a run that is being trained may be silent before its process
// counts as gone. A process that holds the data folder with the catalogue in it knows
// at once.
func (t *Trainer) patience() time.Duration {
	if t.Shared {
		return catalog.RunPatience
	}
	return 0
}

// interrupted marks a run whose process is gone: it has given no sign of life for that
// long, or this process holds the data folder or the lease of the run's job.
func (t *Trainer) interrupted(ctx context.Context, run catalog.Run, silent time.Duration) error {
	recorder, err := t.Catalog.RecordRun(ctx, run.ID, silent)
	if err != nil {
		return err
	}
	t.Log.Info("a run was interrupted; it can be resumed", "run", run.Name, "step", run.Step)
	return errors.Join(recorder.State(ctx, catalog.RunStopped, "the process that trained it ended; resumed, it goes on from its last checkpoint"),
		recorder.Close())
}

func (t *Trainer) enqueue(ctx context.Context, run catalog.Run) error {
	_, err := t.queue.Enqueue(ctx, jobs.Order{Kind: jobTrain, Collection: run.Collection, Params: trainParams{run.ID}})
	return err
}

// jobOf returns the job that trains a run or is going to, paused or not;
// catalog.ErrNotFound if there is none.
func (t *Trainer) jobOf(ctx context.Context, run string) (catalog.Job, error) {
	filter := catalog.JobFilter{Kind: jobTrain, States: []catalog.JobState{catalog.JobQueued, catalog.JobRunning, catalog.JobPaused}, Limit: 1000}
	found, err := t.queue.List(ctx, filter)
	for _, job := range found {
		var params trainParams
		if json.Unmarshal(job.Params, &params) == nil && params.Run == run {
			return job, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("job of run %.80q: %w", run, catalog.ErrNotFound)
	}
	return catalog.Job{}, err
}

func (t *Trainer) handle(ctx context.Context, job *jobs.Running) error {
	var params trainParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	run, err := t.Catalog.Run(ctx, params.Run)
	if err != nil {
		return err
	}
	if run.State == catalog.RunRunning { // its worker fell silent
		if err := t.interrupted(ctx, run, 0); err != nil {
			return err
		}
	}
	log := t.Log.With("run", run.Name)
	log.Info("training begins")
	err = t.train(ctx, run)
	log.Info("training ended", "error", err)
	if errors.Is(context.Cause(ctx), jobs.ErrPaused) {
		err = errors.Join(err, t.paused(ctx, run.ID))
	}
	return err
}

// paused lets a run wait whose job was paused: it goes on with that job.
func (t *Trainer) paused(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	err := t.Catalog.MoveRun(ctx, id, catalog.RunStopped, catalog.RunQueued, "")
	if errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) {
		return nil // it has ended all the same
	}
	return err
}

// retry refuses to give a run back to a job that has ended, unless the run waits for one:
// resuming the run gives it another job.
func (t *Trainer) retry(ctx context.Context, job catalog.Job) error {
	var params trainParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	run, err := t.Catalog.Run(ctx, params.Run)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return catalog.Conflict("the run of job %s was deleted: begin another one", job.ID)
	case err != nil:
		return err
	case run.State == catalog.RunStopped, run.State == catalog.RunFailed, run.Interrupted(time.Now()):
		return catalog.Conflict("the run %q of job %s is %s: resume the run, which gives it another job "+
			"(POST /api/v1/runs/%s/resume, or the command that began it)", run.Name, job.ID, run.State, run.ID)
	case run.State != catalog.RunQueued:
		return catalog.Conflict("the run %q of job %s is %s: there is nothing to retry", run.Name, job.ID, run.State)
	}
	other, err := t.jobOf(ctx, run.ID)
	if err == nil {
		return catalog.Conflict("job %s is to train the run %q already", other.ID, run.Name)
	}
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}

// canceled stops the run of a job that was canceled before it began.
func (t *Trainer) canceled(ctx context.Context, job catalog.Job) error {
	var params trainParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	err := t.Catalog.MoveRun(ctx, params.Run, catalog.RunQueued, catalog.RunStopped, "")
	if errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) {
		return nil // it is stopped or deleted already
	}
	return err
}

func (t *Trainer) train(ctx context.Context, run catalog.Run) error {
	recorder, err := t.take(ctx, run)
	if err != nil {
		return err
	}
	config, err := ParseConfig(run.Config, "")
	if err != nil { // written by a program that knew other fields
		return errors.Join(err, recorder.State(ctx, catalog.RunFailed, err.Error()), recorder.Close())
	}
	training := &Training{Trainer: t, Name: run.Name, Config: config, Report: io.Discard, wrote: run.Output.Directory}
	_, err = training.record(ctx, run.ID, recorder)
	return err
}

// retryTake is how long to wait before a run that could not be taken, as when the
// disk is full, is tried again.
const retryTake = 5 * time.Second

// take takes a run that is queued; one that was stopped meanwhile stays stopped.
func (t *Trainer) take(ctx context.Context, run catalog.Run) (*database.RunRecorder, error) {
	for {
		recorder, err := t.Catalog.RecordQueuedRun(ctx, run.ID)
		if err == nil || errors.Is(err, catalog.ErrConflict) || errors.Is(err, catalog.ErrNotFound) || ctx.Err() != nil {
			return recorder, err
		}
		t.Log.Error("cannot begin a run, trying again", "run", run.Name, "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryTake):
		}
	}
}
