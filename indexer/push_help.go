package indexer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
	"polylens/search"
)

const (
	helpPoll = time.Second
	// helpChunks is how many chunks of a job are done before another gets its turn.
	helpChunks = 8
)

// Help works on the chunks of pushes that other processes coordinate, until ctx ends. It
// leaves alone collections whose vectors are another model's, or nobody's yet: what the
// vectors of a new one are is for its coordinator to say.
func (p *Pushes) Help(ctx context.Context, log *slog.Logger) {
	refused := make(map[string]bool) // names of collections; each is told once
	for sleep(ctx, helpPoll) == nil {
		running, err := p.queue.List(ctx, catalog.JobFilter{Kind: JobPush, States: []catalog.JobState{catalog.JobRunning}})
		for _, job := range running {
			if err == nil {
				err = p.help(ctx, job)
			}
			if errors.Is(err, search.ErrModelMismatch) {
				if !refused[job.Collection] {
					log.Warn("this worker cannot help with a push", "error", err)
				}
				refused[job.Collection], err = true, nil
			}
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("cannot help with a push, trying again", "error", err)
			_ = sleep(ctx, time.Second) // the loop sees the end of ctx
		}
	}
}

// help does some chunks of a job, several at a time.
func (p *Pushes) help(ctx context.Context, job catalog.Job) error {
	if ready, err := p.documents.fits(ctx, job.Collection); err != nil || !ready {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	for range chunksAtOnce {
		group.Go(func() error {
			for range helpChunks / chunksAtOnce {
				chunk, found, err := p.jobs.ClaimChunk(inner, job.ID, p.lease)
				if err != nil || !found {
					return err
				}
				if err := p.do(inner, chunk, job.Collection); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// fits reports whether a collection has vectors of the model in use, or none yet of any
// model. search.ErrModelMismatch when they are another's.
func (d *Documents) fits(ctx context.Context, collection string) (ready bool, err error) {
	known, err := d.indexer.store.UncountedCollection(ctx, collection)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && known.Fingerprint == "" {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, d.indexer.checkModel(known)
}
