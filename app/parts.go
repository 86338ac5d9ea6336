package main

import (
	"context"
	"errors"
	"image"
	"path/filepath"
	"time"

	"polylens/app/rollout"
	"polylens/encoder"
	"polylens/indexer"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/indexer/jobs"
	"polylens/search"
	"polylens/search/late"
	"polylens/search/milvus"
)

// parts are the rooms of the house, wired together. The index may come later:
// see connect.
type parts struct {
	program  *program
	rollout  *rollout.Rollout
	store    *database.Store
	index    *late.Index
	service  *search.Service
	indexer  *indexer.Indexer
	jobs     *indexer.Jobs
	worker   *jobs.Worker
	runs     *runs
	pictures *indexer.Pictures
	decoder  *decode.Decoder
	limits   decode.Limits  // of everything decoded
	milvus   *milvus.Server // nil until connect, and with a server elsewhere
}

// openParts opens everything but Milvus. The caller holds the data folder.
func (p *program) openParts(ctx context.Context) (*parts, error) {
	models, err := p.openRollout(ctx)
	if err != nil {
		return nil, err
	}
	store, err := p.openCatalog(ctx)
	if err != nil {
		return nil, err
	}
	decoder, err := p.openDecoder()
	if err != nil {
		return nil, err
	}
	x := &parts{program: p, rollout: models, store: store, decoder: decoder, limits: p.decodeLimits(), index: late.New("Milvus is starting")}
	read := indexer.DecodeWith(decoder, x.limits)
	x.pictures, err = indexer.NewPictures(filepath.Join(p.globals.Data, "thumbnails"), store, read)
	if err != nil {
		return nil, err
	}
	x.indexer = indexer.New(store, models.IndexerEncoder(), x.index, read, indexer.Options{Log: p.log})
	x.service = search.New(x.index, store, models.SearchEncoder())
	return x, x.openJobs()
}

// openJobs makes the queue with every kind of jobs, and a worker, which work
// starts.
func (x *parts) openJobs() error {
	x.runs = &runs{parts: x}
	kinds := append(x.indexer.Kinds(x.rollout.Adopt), x.rollout.Kind(), x.runs.kind())
	queue, err := jobs.New(x.store.Jobs(nil), kinds...)
	if err != nil {
		return err
	}
	x.runs.queue = queue
	x.jobs = indexer.NewJobs(queue, x.indexer)
	x.worker = jobs.NewWorker(queue, jobs.Settings{Slots: len(kinds), Alone: !x.program.sharesDatabase(), Log: x.program.log})
	x.rollout.Connect(rollout.Rooms{Catalog: x.store, Index: x.index, Indexer: x.indexer, Queue: queue})
	return nil
}

// encoder is the model that searches use.
func (x *parts) encoder() *encoder.Encoder { return x.rollout.Model().(loadedModel).Encoder }

// connect opens the index: it starts Milvus or finds the one elsewhere.
func (x *parts) connect(ctx context.Context) error {
	index, server, err := x.program.openIndex(ctx)
	if err != nil {
		return err
	}
	x.milvus = server
	if err := x.awaitLoaded(ctx, index); err != nil {
		return err
	}
	x.index.Set(index)
	return patiently(ctx, func() error { return x.rollout.Align(ctx) })
}

// loadPatience bounds awaitLoaded.
const loadPatience = 15 * time.Second

// awaitLoaded waits until the collections of this model can be searched: Milvus
// calls itself healthy before it has loaded them. One that stays away is lost,
// and no reason to wait for ever: the next indexing run fills it again.
func (x *parts) awaitLoaded(ctx context.Context, index search.Index) error {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, loadPatience)
	defer stop()
	probe := search.Query{Vector: make([]float32, x.encoder().Dimension()), Limit: 1}
	probe.Vector[0] = 1
	for _, collection := range collections {
		if collection.Images == 0 || !x.rollout.Searches(collection) {
			continue
		}
		err := patiently(ctx, func() error {
			_, err := index.Search(ctx, collection.ID, probe)
			return err
		})
		if err != nil {
			x.program.log.Warn("a collection cannot be searched yet", "collection", collection.Name, "error", err)
		}
	}
	return nil
}

// patiently repeats what is unavailable for a while: a Milvus that has just
// started loads its collections first.
func patiently(ctx context.Context, call func() error) error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := call()
		if !errors.Is(err, search.ErrUnavailable) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// decodeUpload makes a picture of a file that somebody sent.
func (x *parts) decodeUpload(ctx context.Context, file []byte) (image.Image, error) {
	picture, _, err := x.decoder.Bytes(ctx, "that was sent", file, nil, x.limits)
	return picture, err
}

// work lets the jobs begin. What an earlier process left undone goes on.
func (x *parts) work(ctx context.Context) error {
	if err := errors.Join(x.rollout.Resume(ctx), x.runs.start(ctx)); err != nil {
		return err
	}
	x.worker.Start(ctx)
	x.program.later(x.worker.Stop)
	return nil
}
