package rollout

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"polylens/encoder/hub"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/indexer/source"
	"polylens/search"
)

// Catalog is what is needed of the catalogue; *database.Store is one.
type Catalog interface {
	Collections(ctx context.Context) ([]catalog.Collection, error)
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	RenameCollection(ctx context.Context, name, to string) (catalog.Collection, error)
	SetFingerprint(ctx context.Context, id catalog.CollectionID, fingerprint string, maxPatches int) error
	Fingerprints(ctx context.Context, collection catalog.CollectionID) ([]string, error)
	FoundWithoutVector(ctx context.Context, collection catalog.CollectionID, fingerprint string) (int, error)
	IndexableIDs(ctx context.Context, collection catalog.CollectionID, fingerprint string) ([]string, error)
	Pending(ctx context.Context, collection catalog.CollectionID, fingerprint, after string, limit int) ([]catalog.IndexRow, error)
	Sources(ctx context.Context, collection catalog.CollectionID) ([]string, error)
	WithoutOriginal(ctx context.Context, collection catalog.CollectionID, fingerprint string) (int, error)
	ListImages(ctx context.Context, collection, cursor string, limit int) ([]catalog.Image, string, error)
	Vectors(ctx context.Context, fingerprint string, contents []string) (map[string][]float32, error)
	Run(ctx context.Context, id string) (catalog.Run, error)
	MoveRun(ctx context.Context, id string, from, to catalog.RunState, reason string) error
}

// Index is what is needed of the vector index; a search.Index is one.
type Index interface {
	Activate(ctx context.Context, key search.Key) error
}

// Indexer encodes pictures with the model of Rollout.IndexerEncoder;
// *indexer.Indexer is one.
type Indexer interface {
	Run(ctx context.Context, request indexer.Request, tell func(indexer.Progress)) (indexer.Report, error)
	EncodePushed(ctx context.Context, collection string) (failed int, err error)
	DropIndex(ctx context.Context, collection catalog.CollectionID, fingerprint string) error
	RulesOf(ctx context.Context, collection catalog.CollectionID, source string) (source.Rules, error)
}

// Queue keeps the jobs; *jobs.Queue is one, with Rollout.Kind among its kinds.
type Queue interface {
	Enqueue(ctx context.Context, order jobs.Order) (catalog.Job, error)
	Get(ctx context.Context, id string) (catalog.Job, error)
	Cancel(ctx context.Context, id string) (catalog.Job, error)
}

// Rooms are what a Rollout works with, once they are there.
type Rooms struct {
	Catalog Catalog
	Index   Index
	Indexer Indexer
	Queue   Queue
}

// Options say where a data folder is and how its models are opened.
type Options struct {
	Data   string // the data folder, which this process holds
	Choice Choice // of the data folder
	// Named is the model that the command line chose, which no change would
	// outlast; empty when the data folder chooses.
	Named string
	// Open loads a model far enough that the first query need not wait for it. There
	// reports whether there is a model of that name.
	Open  func(ctx context.Context, name string) (Model, error)
	There func(name string) bool
	Log   *slog.Logger
}

// Rollout is a data folder's model in use, the next one, and the changes between
// them. Its methods may be called from many goroutines.
type Rollout struct {
	Options
	Rooms
	models *models

	choosing  sync.Mutex // of chosen
	chosen    Choice
	switching sync.Mutex   // held by whatever changes the model
	searching sync.RWMutex // read-locked by searches, locked by what changes their index
	outcome   error        // why the last change of the model failed; guarded by switching
}

// New begins with the model in use, which Close closes. Call Connect before anything
// that changes the model.
func New(inUse Model, options Options) *Rollout {
	return &Rollout{Options: options, chosen: options.Choice, models: &models{searching: newViews(inUse)}}
}

// Connect plugs in what was made with the encoders of the rollout itself.
func (r *Rollout) Connect(rooms Rooms) { r.Rooms = rooms }

// Close frees the loaded models.
func (r *Rollout) Close(context.Context) error { return r.models.close() }

// Model is the model that searches use.
func (r *Rollout) Model() Model { return r.models.now().model }

// View is the model that searches use, with the number of patches of a collection.
func (r *Rollout) View(collection catalog.Collection) (Model, error) {
	return r.models.now().of(collection.SearchedMaxPatches)
}

// Searches reports whether the model in use answers searches of a collection.
func (r *Rollout) Searches(collection catalog.Collection) bool {
	return r.models.now().searches(collection)
}

// Name is the name by which the model in use was chosen.
func (r *Rollout) Name() string {
	if r.Named != "" {
		return r.Named
	}
	return r.Choice().Model
}

// Choice is the data folder's model and what comes next.
func (r *Rollout) Choice() Choice {
	r.choosing.Lock()
	defer r.choosing.Unlock()
	return r.chosen
}

// SearchEncoder is the present model as search wants it.
func (r *Rollout) SearchEncoder() search.Encoder { return searchEncoder{r.Model(), r.models} }

// IndexerEncoder is the present model as the indexer wants it.
func (r *Rollout) IndexerEncoder() indexer.Encoder {
	return indexerModels{indexerEncoder{r.Model(), r.models, 0}}
}

// Searcher answers searches through a service, each with one model.
func (r *Rollout) Searcher(service *search.Service) *Searcher {
	return &Searcher{service, &r.searching}
}

// choose keeps a choice, first of all in the data folder.
func (r *Rollout) choose(choice Choice) error {
	if err := choice.Write(r.Data); err != nil {
		return err
	}
	r.choosing.Lock()
	defer r.choosing.Unlock()
	r.chosen = choice
	return nil
}

// check refuses an event that the state does not allow, and any event if the command
// line has chosen the model.
func (r *Rollout) check(e event) error {
	choice := r.Choice()
	switch {
	case r.Named != "":
		return catalog.Conflict("the model of this process is set by --model or POLYLENS_MODEL, which takes precedence over the data folder's choice: "+
			"start it without, after `polylens model use %s`", r.Named)
	case !choice.State().may(e) && choice.Next != nil:
		return catalog.Conflict("collections are being encoded for the model %s: wait for that, or roll back", choice.Next.Model)
	}
	return nil
}

// Use makes the data folder use another model: at once if every picture has its
// vectors by that model, else as soon as a job has encoded every collection again,
// while searches go on using the old index; then Choice().Next is the model.
func (r *Rollout) Use(ctx context.Context, to Used, force bool) error {
	r.switching.Lock()
	defer r.switching.Unlock()
	if err := r.forgetCanceled(ctx); err != nil {
		return err
	}
	if err := r.check(use); err != nil {
		return err
	}
	to, err := to.Lasting()
	if err != nil || r.Choice().Used == to {
		return err
	}
	next, err := r.load(ctx, to.Model)
	if err != nil {
		return err
	}
	behind, err := r.behind(ctx, next)
	if err != nil {
		return errors.Join(err, next.retire())
	}
	if len(behind) > 0 {
		return r.prepare(ctx, next, Next{Used: to, Force: force}, behind)
	}
	if err := r.useNow(ctx, next, to, force); err != nil {
		return errors.Join(err, next.retire())
	}
	return nil
}

// Lasting names a model in a way that also works for a process in another folder.
func (u Used) Lasting() (Used, error) {
	if !hub.IsPath(u.Model) {
		return u, nil
	}
	dir, err := filepath.Abs(u.Model)
	u.Model = dir
	return u, err
}

// useNow makes searches use a model that has seen all pictures. It is compared with
// the one in use, unless only the text tower has changed and the forgetting gate has
// judged that.
func (r *Rollout) useNow(ctx context.Context, next *views, to Used, force bool) error {
	samePictures := next.model.PictureFingerprint() == r.Model().PictureFingerprint()
	if run, err := r.Catalog.Run(ctx, to.Run); err != nil || len(run.Gate) == 0 || !samePictures {
		if err := r.compare(ctx, next, force); err != nil {
			return err
		}
	}
	return r.flipAndCatchUp(ctx, next, r.Choice().To(to))
}

func (r *Rollout) load(ctx context.Context, name string) (*views, error) {
	model, err := r.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return newViews(model), nil
}

// RollBack makes the data folder use the model before again, without encoding
// anything, or gives up the one that is being prepared. What was indexed since
// then is encoded afterwards.
func (r *Rollout) RollBack(ctx context.Context) error {
	r.switching.Lock()
	defer r.switching.Unlock()
	choice := r.Choice()
	if choice.State().may(giveUp) && r.Named == "" {
		return r.giveUp(ctx, errors.New("rolled back before it was used"))
	}
	if err := r.check(rollBack); err != nil {
		return err
	}
	back, ok := choice.Back(r.There)
	if !ok {
		return catalog.Conflict("no other model was used before: there is nothing to go back to")
	}
	before, err := r.load(ctx, back.Model)
	if err != nil {
		return err
	}
	if err := r.checkAllOriginals(ctx, before, back.Model); err != nil {
		return errors.Join(err, before.retire())
	}
	if err := r.flip(ctx, before, back); err != nil {
		return errors.Join(err, before.retire())
	}
	return r.catchUp(ctx, func(catalog.Collection) bool { return true })
}

// catchUp queues the indexing of collections that the model in use has not seen
// completely, among those that are concerned.
func (r *Rollout) catchUp(ctx context.Context, concerned func(catalog.Collection) bool) error {
	collections, err := r.Catalog.Collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if collection.Fingerprint == "" || !concerned(collection) {
			continue
		}
		move, err := r.move(ctx, collection, r.models.now())
		if err != nil {
			return err
		}
		if move.missing == 0 {
			continue
		}
		if err := r.encodeLater(ctx, collection); err != nil {
			r.Log.Warn("what was indexed since then is not found until it is indexed again", "collection", collection.Name, "error", err)
		}
	}
	return nil
}

// encodeLater queues the indexing of all sources of a collection.
func (r *Rollout) encodeLater(ctx context.Context, collection catalog.Collection) error {
	directories, pushed, err := r.sources(ctx, collection)
	if err != nil {
		return err
	}
	if pushed { // what it lacks is encoded from the files that are kept
		if _, err := r.Queue.Enqueue(ctx, jobs.Order{Kind: indexer.JobRepair, Collection: collection.Name}); err != nil {
			return err
		}
	}
	for _, directory := range directories {
		params := indexer.JobParams{Directory: directory.Path(), Rules: directory.Rules()}
		order := jobs.Order{Kind: indexer.JobIndex, Collection: collection.Name, Params: params}
		if _, err := r.Queue.Enqueue(ctx, order); err != nil {
			return err
		}
	}
	return nil
}
