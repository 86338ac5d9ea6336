package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"sync"
	"time"

	"polylens/encoder"
	"polylens/indexer"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/search"
	"polylens/search/late"
	"polylens/search/milvus"
	"polylens/web"
)

// parts are the rooms of the house, wired together. The index may come later:
// see connect.
type parts struct {
	program  *program
	models   *models
	chosen   modelChoice // of the data folder; see choice
	store    *database.Store
	index    *late.Index
	service  *search.Service
	indexer  *indexer.Indexer
	tasks    *indexer.Tasks
	runs     *runs
	pictures *indexer.Pictures
	decoder  *decode.Decoder
	limits   decode.Limits  // of everything decoded
	milvus   *milvus.Server // nil until connect, and with a server elsewhere

	choosing  sync.Mutex   // of chosen
	switching sync.Mutex   // held by what changes the model
	searching sync.RWMutex // held by searches, alone by what changes their index
	outcome   error        // why the last change of the model failed; of switching
}

// openParts opens everything but Milvus. The caller holds the data folder.
func (p *program) openParts(ctx context.Context) (*parts, error) {
	model, err := p.openModel(ctx, p.globals.Model)
	if err != nil {
		return nil, err
	}
	models := newModels(model)
	p.later(models.close)
	store, err := p.openCatalog(ctx)
	if err != nil {
		return nil, err
	}
	index := late.New("Milvus is starting")
	decoder, err := p.openDecoder()
	if err != nil {
		return nil, err
	}
	chosen, err := readChoice(p.globals.Data)
	if err != nil {
		return nil, err
	}
	limits := p.decodeLimits()
	read := indexer.DecodeWith(decoder, limits)
	pictures, err := indexer.NewPictures(filepath.Join(p.globals.Data, "thumbnails"), store, read)
	if err != nil {
		return nil, err
	}
	ix := indexer.New(store, indexerModels{indexerEncoder{model, models, 0}}, index, read, indexer.Options{Log: p.log})
	x := &parts{
		program: p, models: models, chosen: chosen, store: store, index: index, indexer: ix,
		service:  search.New(index, store, searchEncoder{model, models}),
		tasks:    indexer.NewTasks(store, ix, 1, p.log),
		pictures: pictures,
		decoder:  decoder,
		limits:   limits,
	}
	x.runs = newRuns(x)
	return x, nil
}

// encoder is the model that searches use.
func (x *parts) encoder() *encoder.Encoder { return x.models.now().model }

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
	return patiently(ctx, func() error { return x.align(ctx) })
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
		if collection.Images == 0 || !x.models.now().searches(collection) {
			continue
		}
		err := patiently(ctx, func() error {
			_, err := index.Search(ctx, collection.Name, probe)
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

// work lets the tasks begin. What an earlier process left undone goes on.
func (x *parts) work(ctx context.Context) error {
	if err := x.resume(ctx); err != nil {
		return err
	}
	if err := x.tasks.Start(ctx); err != nil {
		return err
	}
	x.program.later(x.tasks.Stop)
	return nil
}

// Search implements backend.
func (x *parts) Search(ctx context.Context, collection, text string, limit int) ([]hit, error) {
	var results search.Results
	err := patiently(ctx, func() (err error) {
		results, err = x.service.ByText(ctx, collection, text, search.Options{Limit: limit})
		return err
	})
	if err != nil {
		return nil, err
	}
	hits := make([]hit, len(results.Hits))
	for i, found := range results.Hits {
		hits[i] = hit{ID: found.ID, URI: found.URI, Score: found.Score}
	}
	return hits, nil
}

// Index implements backend.
func (x *parts) Index(ctx context.Context, order indexOrder, tell func(web.Job)) (web.Job, error) {
	if err := x.work(ctx); err != nil {
		return web.Job{}, err
	}
	jobs := webJobs{x.tasks}
	changed, stop := jobs.changes()
	defer stop()
	job, err := jobs.IndexFolder(ctx, order.collection, order.folder, order.maxPatches)
	for err == nil && !job.State.Final() {
		tell(job)
		select {
		case <-ctx.Done():
			return job, x.cancel(ctx, job)
		case <-changed:
		case <-time.After(time.Second): // the watch may have begun after the last change
		}
		job, err = jobs.Job(ctx, job.ID)
	}
	if err == nil && job.State == web.JobSucceeded {
		err = x.adopt(ctx, order.collection)
	}
	return job, err
}

// cancel ends a job after its caller's context has ended.
func (x *parts) cancel(ctx context.Context, job web.Job) error {
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if err := x.tasks.Cancel(last, job.ID); err != nil {
		return fmt.Errorf("%w (and the job could not be canceled: %w)", ctx.Err(), err)
	}
	return ctx.Err()
}
