package main

import (
	"context"
	"errors"
	"image"
	"path/filepath"
	"sync/atomic"
	"time"

	"polylens/app/rollout"
	"polylens/app/training"
	"polylens/encoder"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/indexer/jobs"
	"polylens/indexer/upload"
	"polylens/search"
	"polylens/search/late"
	"polylens/search/milvus"
	"polylens/web/problem"
)

// parts are the rooms of the house, wired together. The index may come later:
// see connect.
type parts struct {
	program   *program
	rollout   *rollout.Rollout
	store     *database.Store
	index     *late.Index
	service   *search.Service
	indexer   *indexer.Indexer
	jobs      *indexer.Jobs
	worker    *jobs.Worker
	trainer   *training.Trainer
	pictures  *indexer.Pictures
	documents *indexer.Documents
	pushes    *indexer.Pushes
	decoder   *decode.Decoder
	limits    decode.Limits  // of everything decoded
	milvus    *milvus.Server // nil until connect, and with a server elsewhere
	looked    atomic.Bool    // the indexes have been looked over, see tend
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
	x.indexer = indexer.New(store, models.IndexerEncoder(), x.index, read, indexer.Options{Log: p.log, Room: p.room})
	if err := x.openBlobs(ctx, read); err != nil {
		return nil, err
	}
	x.service = search.New(wholeIndex{x.index, x.indexer, store}, store, models.SearchEncoder())
	return x, x.openJobs()
}

// openBlobs opens what keeps pictures: those that were sent, and thumbnails.
func (x *parts) openBlobs(ctx context.Context, read indexer.Decoder) error {
	p := x.program
	blobs, err := p.openBlobs(ctx)
	if err != nil {
		return err
	}
	p.later(func(context.Context) error { return blobs.Close() })
	places, err := p.openPlaces(ctx)
	if err != nil {
		return err
	}
	places.Uploads = upload.New(blobs, upload.Limits{}, p.roomFor)
	x.documents = indexer.NewDocuments(x.indexer, blobs, places)
	x.pushes = indexer.NewPushes(x.documents, x.store.Jobs(p.terminal.clock), problemName)
	x.pushes.SetLease(p.terminal.lease)
	thumbnails := filepath.Join(p.globals.Data, "thumbnails")
	x.indexer.Connect(indexer.Kept{Blobs: blobs, Pushes: x.pushes, Thumbnails: thumbnails})
	x.pictures, err = indexer.NewPictures(thumbnails, x.store, blobs, read)
	return err
}

// problemName names the kind of an error for clients.
func problemName(err error) string { return problem.Of(err, problem.Table()).Name }

// openJobs makes the queue with every kind of jobs, and a worker, which work
// starts.
func (x *parts) openJobs() error {
	x.trainer = x.program.trainer(x.store)
	kinds := append(x.indexer.Kinds(x.rollout.Adopt), x.pushes.Kind(), x.pushes.PlanKind(), x.rollout.Kind(), x.trainer.Kind())
	queue, err := jobs.New(x.store.Jobs(x.program.terminal.clock), kinds...)
	if err != nil {
		return err
	}
	x.trainer.Connect(queue, x.rollout)
	x.pushes.Connect(queue)
	x.jobs = indexer.NewJobs(queue, x.indexer)
	x.worker = jobs.NewWorker(queue, jobs.Settings{
		Lease: x.program.terminal.lease, Heartbeat: x.program.terminal.lease / 3,
		Slots: len(kinds), Alone: !x.program.globals.sharesDatabase(), Room: x.program.room, Log: x.program.log,
	})
	x.rollout.Connect(rollout.Rooms{Catalog: x.store, Index: x.index, Indexer: x.indexer, Queue: queue})
	return nil
}

// encoder is the model that searches use.
func (x *parts) encoder() *encoder.Encoder { return x.rollout.Model().(loadedModel).Encoder }

// connect opens the index: it starts Milvus, or connects to one that runs elsewhere.
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
	return late.Patiently(ctx, func() error { return x.rollout.Align(ctx) })
}

// loadPatience bounds awaitLoaded.
const loadPatience = 15 * time.Second

// awaitLoaded waits until the collections of this model can be searched: Milvus
// calls itself healthy before it has loaded them. One that stays away is lost and
// not worth waiting for: the next indexing run fills it again.
func (x *parts) awaitLoaded(ctx context.Context, index search.Index) error {
	collections, err := x.store.Collections(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, loadPatience)
	defer stop()
	for _, collection := range collections {
		if collection.Images == 0 || !x.rollout.Searches(collection) {
			continue
		}
		if err := late.AwaitLoaded(ctx, index, collection.ID, x.encoder().Dimension()); err != nil {
			x.program.log.Warn("a collection cannot be searched yet", "collection", collection.Name, "error", err)
		}
	}
	return nil
}

// decodeUpload decodes a file that somebody sent.
func (x *parts) decodeUpload(ctx context.Context, file []byte) (image.Image, func(), error) {
	picture, err := x.decoder.Decode(ctx, decode.NewContent("that was sent", file), nil, x.limits)
	if decode.IsBusy(err) {
		err = catalog.ErrBusy
	}
	return picture.Image, picture.Release, err
}

// work starts the jobs. What an earlier process left undone is continued.
func (x *parts) work(ctx context.Context) error {
	if err := errors.Join(x.rollout.Resume(ctx), x.trainer.Recover(ctx), x.jobs.Recall(ctx)); err != nil {
		return err
	}
	x.worker.Start(ctx)
	x.program.laterWithin(closeJobs, x.worker.Stop)
	return nil
}
