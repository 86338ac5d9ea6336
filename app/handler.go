package main

import (
	"context"
	"path/filepath"

	"polylens/app/rollout"
	"polylens/app/training"
	"polylens/encoder/hub"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/search"
	"polylens/search/late"
	"polylens/web"
)

// demoCollection is the name of the collection of demo pictures.
const demoCollection = "demo"

// handlerOptions is what differs between handlers of the API.
type handlerOptions struct {
	access  access // of others than this process
	rate    web.Rate
	demo    bool // there is the demo collection
	patient bool // searches wait for a Milvus that has just started
	tended  bool // tend looks the indexes over: searches are not ready before
}

func (x *parts) handler(options handlerOptions) (*web.Handler, error) {
	config := web.Config{
		Search:       x.rollout.Searcher(x.service),
		Catalog:      x.store,
		Indexer:      collections{x.indexer, x.rollout, x.jobs, x.program.reserve},
		Searchable:   x.rollout.Searches,
		Losses:       x.indexer,
		Pictures:     x.pictures,
		Jobs:         x.jobs,
		Documents:    x.documents,
		Pushes:       x.pushes,
		Uploads:      x.pushes.Uploads(),
		Sources:      keptSources{x.store, x.jobs, x.watcher},
		Decode:       x.decodeUpload,
		Ready:        x.index.Ready,
		Logger:       x.program.log,
		Info:         web.Info{Version: version()},
		Model:        x.modelInfo,
		Runs:         x.store,
		Trainer:      trainings{x.trainer, x.program.reserve},
		AllowedHosts: options.access.hosts,
		Guests:       options.access.guests,
		Keys:         x.store,
		Rate:         options.rate,
		Audit:        x.program.auditLog(),
	}
	if options.tended {
		config.Ready = x.ready
	}
	if options.patient {
		config.Search = patientSearch{config.Search}
	}
	if options.demo {
		config.Info.Demo = demoCollection
	}
	return web.New(config)
}

// trainings is a web.Trainer that deletes also when the disk is full.
type trainings struct {
	*training.Trainer
	reserve *disk.Reserve
}

// Delete implements web.Trainer.
func (t trainings) Delete(ctx context.Context, id string) error {
	return t.reserve.Spend(func() error { return t.Trainer.Delete(ctx, id) })
}

// modelInfo is the model that searches use.
func (x *parts) modelInfo() web.ModelInfo {
	name, model := x.rollout.Name(), x.encoder()
	return web.ModelInfo{
		Name: filepath.Base(name), Fingerprint: model.Fingerprint(),
		Dimension: model.Dimension(), MaxNumPatches: model.MaxPatches(), Bundled: name == hub.BundledName,
	}
}

// patientSearch repeats a search by words while Milvus, which this process has just
// started, loads the collection.
type patientSearch struct{ web.Searcher }

// ByText implements web.Searcher.
func (s patientSearch) ByText(ctx context.Context, collection, text string, options search.Options) (search.Results, error) {
	var results search.Results
	err := late.Patiently(ctx, func() (err error) {
		results, err = s.Searcher.ByText(ctx, collection, text, options)
		return err
	})
	return results, err
}

// collections is a web.Indexer that renames through the rollout: no change of models
// may run while a collection gets its new name.
type collections struct {
	*indexer.Indexer
	rollout *rollout.Rollout
	jobs    *indexer.Jobs
	reserve *disk.Reserve
}

// DeleteCollection implements web.Indexer, also when the disk is full.
func (c collections) DeleteCollection(ctx context.Context, name string) error {
	return c.reserve.Spend(func() error { return c.jobs.DeleteCollection(ctx, name) })
}

// RenameCollection implements web.Indexer.
func (c collections) RenameCollection(ctx context.Context, name, to string) (catalog.Collection, error) {
	return c.rollout.RenameCollection(ctx, name, to)
}
