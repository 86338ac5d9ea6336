package indexer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/search"
)

// Loss is an index that searches use and that does not hold what the catalogue has
// noted.
type Loss struct {
	Collection catalog.Collection
	Noted      int   // rows that the index had acknowledged
	Held       int   // rows that it holds
	Whole      bool  // it is not there, or cannot be read
	Err        error // why it cannot be read; nil where it is not there
}

// String is one sentence for the log.
func (l Loss) String() string {
	switch {
	case l.Err != nil:
		return fmt.Sprintf("the index of collection %q cannot be read: %v", l.Collection.Name, l.Err)
	case l.Whole:
		return fmt.Sprintf("the index of collection %q is gone", l.Collection.Name)
	}
	return fmt.Sprintf("the index of collection %q holds %d rows of %d", l.Collection.Name, l.Held, l.Noted)
}

// losses are the indexes that are lost as a whole, until they are filled again.
type losses struct {
	mu   sync.Mutex
	keys map[search.Key]bool
}

func (l *losses) set(key search.Key, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = make(map[search.Key]bool)
	}
	if lost {
		l.keys[key] = true
	} else {
		delete(l.keys, key)
	}
}

// Lost reports whether the index that searches of a collection use was found to be lost
// as a whole and has not been filled again since. Nothing can be found until then.
func (ix *Indexer) Lost(collection catalog.Collection) bool {
	ix.lost.mu.Lock()
	defer ix.lost.mu.Unlock()
	return ix.lost.keys[keyOf(collection)]
}

// AnyLost reports whether that is so of any collection.
func (ix *Indexer) AnyLost() bool {
	ix.lost.mu.Lock()
	defer ix.lost.mu.Unlock()
	return len(ix.lost.keys) > 0
}

// LostID is Lost where only the ID of the collection is known.
func (ix *Indexer) LostID(id catalog.CollectionID) bool {
	ix.lost.mu.Lock()
	defer ix.lost.mu.Unlock()
	for key := range ix.lost.keys {
		if key.Collection == id {
			return true
		}
	}
	return false
}

func keyOf(collection catalog.Collection) search.Key {
	return search.Key{Collection: collection.ID, Fingerprint: collection.Fingerprint}
}

// Survey counts what the indexes hold and returns the losses, also beside an error: an
// index that is still being loaded is search.ErrUnavailable, and to be asked again. It
// lists no rows. Indexes that searches do not use, and that are gone, are forgotten.
func (ix *Indexer) Survey(ctx context.Context) ([]Loss, error) {
	collections, err := ix.store.Collections(ctx)
	if err != nil {
		return nil, err
	}
	var found []Loss
	for _, collection := range collections {
		if collection.Fingerprint == "" || collection.Images == 0 {
			continue
		}
		loss, surveyErr := ix.survey(ctx, collection)
		if surveyErr == nil {
			surveyErr = ix.forgetGone(ctx, collection)
		}
		if surveyErr != nil {
			err = errors.Join(err, fmt.Errorf("survey of %q: %w", collection.Name, surveyErr))
			continue
		}
		if loss.Whole || loss.Held >= collection.Images { // what is in between is being filled, or was
			ix.lost.set(keyOf(collection), loss.Whole)
		}
		if loss.Whole || loss.Held < loss.Noted {
			found = append(found, loss)
		}
	}
	return found, err
}

func (ix *Indexer) survey(ctx context.Context, collection catalog.Collection) (Loss, error) {
	loss := Loss{Collection: collection}
	var err error
	if loss.Noted, err = ix.store.IndexedCount(ctx, collection.ID, collection.Fingerprint); err != nil {
		return loss, err
	}
	ctx, cancel := context.WithTimeout(ctx, ix.options.IndexTimeout)
	defer cancel()
	loss.Held, err = ix.index.Count(ctx, keyOf(collection))
	switch {
	case errors.Is(err, catalog.ErrCollectionNotFound):
		loss.Whole = true
	case errors.Is(err, search.ErrUnreadable):
		loss.Whole, loss.Err = true, err
	default:
		return loss, err
	}
	return loss, nil
}

// forgetGone makes pending what the catalogue believes to be in other indexes of a
// collection that are gone.
func (ix *Indexer) forgetGone(ctx context.Context, collection catalog.Collection) error {
	fingerprints, err := ix.store.Fingerprints(ctx, collection.ID)
	for _, fingerprint := range fingerprints {
		if err != nil || fingerprint == collection.Fingerprint {
			continue
		}
		if _, countErr := ix.index.Count(ctx, search.Key{Collection: collection.ID, Fingerprint: fingerprint}); errors.Is(countErr, catalog.ErrCollectionNotFound) {
			err = ix.store.ForgetIndexed(ctx, collection.ID, fingerprint)
		}
	}
	return err
}

// Restore queues a job for every loss, before all other jobs: one of kind JobRebuild for
// what is lost as a whole, else JobRepair. A collection that has one running or waiting gets
// no other; one that somebody has paused fills nothing.
// It returns the losses for which it queued one.
func (j *Jobs) Restore(ctx context.Context, losses []Loss) ([]Loss, error) {
	var queued []Loss
	for _, loss := range losses {
		kinds := []string{JobRebuild}
		if !loss.Whole {
			kinds = []string{JobRepair, JobRebuild}
		}
		waiting, err := j.List(ctx, catalog.JobFilter{Collection: loss.Collection.Name, States: []catalog.JobState{catalog.JobRunning, catalog.JobQueued}, Limit: math.MaxInt32})
		if err != nil {
			return queued, err
		}
		if slices.ContainsFunc(waiting, func(job catalog.Job) bool { return slices.Contains(kinds, job.Kind) }) {
			continue
		}
		order := jobs.Order{Kind: kinds[0], Collection: loss.Collection.Name, Params: JobParams{}, Priority: restorePriority}
		if _, err := j.Enqueue(ctx, order); err != nil {
			return queued, err
		}
		queued = append(queued, loss)
	}
	return queued, nil
}

// restorePriority is above that of all other jobs: nothing is found before.
const restorePriority = 10

func unfinished() []catalog.JobState {
	return []catalog.JobState{catalog.JobRunning, catalog.JobQueued, catalog.JobPaused}
}

// Recall takes as lost what an earlier process found to be lost and has not filled
// again. Call it before any job runs.
func (j *Jobs) Recall(ctx context.Context) error {
	waiting, err := j.List(ctx, catalog.JobFilter{Kind: JobRebuild, States: unfinished(), Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	for _, job := range waiting {
		if job.Priority != restorePriority {
			continue
		}
		collection, err := j.indexer.store.UncountedCollection(ctx, job.Collection)
		if err == nil {
			j.indexer.lost.set(keyOf(collection), true)
		} else if !errors.Is(err, catalog.ErrNotFound) {
			return err
		}
	}
	return nil
}
