package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/internal/disk"
	"polylens/search"
	"polylens/search/late"
	"polylens/search/milvus"
)

// How often a server looks after what it keeps.
const (
	connectEvery = 15 * time.Second // while Milvus does not come to life
	lookEvery    = 5 * time.Second  // whether Milvus was started anew
	surveyEvery  = 10 * time.Minute // whether the indexes are whole
	backUpEvery  = 10 * time.Minute // whether a backup is due
	collectEvery = 6 * time.Hour    // what clients have sent and nothing needs any more
	reserveEvery = time.Minute      // whether room is reserved
)

// connectPatiently is connect for a server, which goes on without Milvus, says why, and
// tries again: the disk may be full, or the machine short of memory.
func (x *parts) connectPatiently(ctx context.Context) error {
	for {
		err := x.connect(ctx)
		if !errors.Is(err, milvus.ErrAway) || ctx.Err() != nil {
			return err
		}
		x.program.log.Error("nothing can be found while Milvus is away, trying again", "error", err, "pause", connectEvery)
		x.index.Wait(err)
		x.jobs.Hold(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(connectEvery):
		}
	}
}

// tend looks after the indexes and the catalogue until the program closes.
func (x *parts) tend(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var tending sync.WaitGroup
	tending.Go(func() { x.keepWhole(ctx) })
	tending.Go(func() { x.watcher.Run(ctx) })
	tending.Go(func() { repeat(ctx, backUpEvery, x.backUp) })
	tending.Go(func() { repeat(ctx, collectEvery, x.collect) })
	tending.Go(func() { repeat(ctx, reserveEvery, x.keepReserve) })
	x.program.later(func(context.Context) error { stop(); tending.Wait(); return nil })
}

// collect removes what clients have sent and nothing needs any more.
func (x *parts) collect(ctx context.Context) {
	removed, err := x.documents.Collect(ctx, time.Now())
	err = errors.Join(err, x.pushes.Collect(ctx, time.Now()))
	if removed.Files > 0 {
		x.program.log.Info("pictures that no image has any more were removed", "files", removed.Files, "bytes", removed.Bytes)
	}
	if err != nil && ctx.Err() == nil {
		x.program.log.Error("cannot remove pictures that no image has any more, trying again later", "error", err)
	}
}

// repeat does something now and again and again, until ctx ends.
func repeat(ctx context.Context, every time.Duration, do func(context.Context)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// keepWhole restores what the indexes have lost: now, whenever Milvus has been started
// anew, and from time to time.
func (x *parts) keepWhole(ctx context.Context) {
	var surveyed time.Time
	starts := 0
	repeat(ctx, lookEvery, func(ctx context.Context) {
		now := x.milvusStarts()
		if now < 0 || now == starts && time.Since(surveyed) < surveyEvery {
			return
		}
		err := x.restore(ctx)
		x.looked.Store(true)
		switch {
		case err == nil:
			starts, surveyed = now, time.Now()
		case ctx.Err() == nil && !errors.Is(err, search.ErrUnavailable): // else an index is being loaded
			x.program.log.Error("cannot tell whether the indexes are whole, trying again", "error", err)
		}
	})
}

// ready reports nil once searches can be answered. A full disk may be why they cannot.
func (x *parts) ready(ctx context.Context) error {
	if err := x.index.Ready(ctx); err != nil {
		return disk.Explain(err, x.program.globals.Data)
	}
	if !x.looked.Load() {
		return fmt.Errorf("%w: the indexes are being looked over", search.ErrUnavailable)
	}
	return nil
}

// milvusStarts is how often the embedded Milvus was started, -1 while it is not well; 0
// with another one.
func (x *parts) milvusStarts() int {
	switch {
	case x.milvus == nil:
		return 0
	case !x.milvus.Healthy():
		return -1
	}
	return x.milvus.Starts()
}

// restore queues jobs that fill again what the indexes have lost.
func (x *parts) restore(ctx context.Context) error {
	losses, err := x.indexer.Survey(ctx)
	queued, queueErr := x.jobs.Restore(ctx, losses)
	for _, loss := range queued {
		x.program.log.Error(loss.String()+"; it is filled again from the catalogue", "collection", loss.Collection.Name)
	}
	return errors.Join(err, queueErr)
}

// keepReserve reserves room for what makes room. On a full disk it does so later.
func (x *parts) keepReserve(context.Context) {
	if err := x.program.reserve.Fill(); err != nil && !disk.IsFull(err) {
		x.program.log.Warn("no room can be reserved for deleting when the disk is full", "error", err)
	}
}

// backUp copies the catalogue if it is time.
func (x *parts) backUp(ctx context.Context) {
	backup, err := x.store.BackUp(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		x.program.log.Warn("the catalogue is not backed up, trying again", "error", err)
	case backup != nil:
		x.program.log.Info("the catalogue is backed up", "file", backup.Path, "bytes", backup.Bytes)
	}
}

// wholeIndex is the index that searches ask. It answers only for collections whose index
// is whole: a part of it would look like all there is.
type wholeIndex struct {
	*late.Index
	indexer *indexer.Indexer
	store   *database.Store
}

// Search implements search.Index.
func (w wholeIndex) Search(ctx context.Context, collection catalog.CollectionID, query search.Query) ([]search.Match, error) {
	if w.indexer.LostID(collection) && !w.indexer.Deleting(collection) {
		return nil, fmt.Errorf("%w: it was lost and is being filled again", search.ErrLost)
	}
	matches, err := w.Index.Search(ctx, collection, query)
	if !errors.Is(err, catalog.ErrCollectionNotFound) {
		return matches, err
	}
	return w.searchMissing(ctx, collection, err)
}

// searchMissing is the answer where a collection that the catalogue has is not in Milvus.
func (w wholeIndex) searchMissing(ctx context.Context, id catalog.CollectionID, missing error) ([]search.Match, error) {
	if w.indexer.Deleting(id) {
		return nil, missing
	}
	collections, err := w.store.Collections(ctx)
	if err != nil {
		return nil, err
	}
	for _, collection := range collections {
		switch {
		case collection.ID != id:
		case collection.Images == 0:
			return nil, nil
		default:
			return nil, fmt.Errorf("%w: it is gone from Milvus; `polylens check --rebuild %s` fills it again (%s)",
				search.ErrLost, collection.Name, missing.Error())
		}
	}
	return nil, missing // deleted just now
}
