package training

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"polylens/app/rollout"
	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
	"polylens/internal/memory"
	"polylens/trainer"
	"polylens/trainer/data"

	"polylens/internal/ordinary"
)

// Catalog is what is needed of the catalogue; *database.Store is one.
type Catalog interface {
	data.Catalog
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Sources(ctx context.Context, collection catalog.CollectionID) ([]string, error)
	Run(ctx context.Context, id string) (catalog.Run, error)
	RunNamed(ctx context.Context, name string) (catalog.Run, error)
	Runs(ctx context.Context, collection, before string, limit int) ([]catalog.Run, error)
	RunsIn(ctx context.Context, state catalog.RunState) ([]catalog.Run, error)
	CreateRun(ctx context.Context, run catalog.Run) (catalog.Run, error)
	MoveRun(ctx context.Context, id string, from, to catalog.RunState, reason string) error
	DeleteRun(ctx context.Context, id string) error
	RecordRun(ctx context.Context, id string, patience time.Duration) (*database.RunRecorder, error)
	RecordQueuedRun(ctx context.Context, id string) (*database.RunRecorder, error)
}

// Queue keeps the jobs; *jobs.Queue is one, with Trainer.Kind among its kinds.
type Queue interface {
	Enqueue(ctx context.Context, order jobs.Order) (catalog.Job, error)
	List(ctx context.Context, filter catalog.JobFilter) ([]catalog.Job, error)
	Cancel(ctx context.Context, id string) (catalog.Job, error)
}

// Rollout changes the model that searches use; *rollout.Rollout is one.
type Rollout interface {
	Name() string
	Choice() rollout.Choice
	Use(ctx context.Context, to rollout.Used, force bool) error
	RollBack(ctx context.Context) error
}

// Options say where a data folder is and what its runs train with.
type Options struct {
	Data    string // the data folder, which this process holds
	Models  string // the folder that models are written to by their names
	Model   string // the model in use, for a configuration that names none
	Catalog Catalog
	Shared  bool // other processes make runs in this catalogue, too
	// FindModel is the directory of a model, given its name or its path.
	FindModel func(name string) (string, error)
	// Item is the path of something that package setup provides.
	Item func(name string) (string, error)
	// Pictures opens what reads the pictures of pairs. The caller closes the files.
	Pictures func() (*data.Files, data.Decoder, error)
	Cache    string // see data.ReadOptions; that of Pictures
	Threads  int    // to compute with; 0: one for each core
	Device   string // to compute on
	Log      *slog.Logger
}

// Trainer does runs in the background, one at a time and in the order in which they
// were ordered. Its methods may be called from many goroutines.
type Trainer struct {
	Options
	queue   Queue
	rollout Rollout
}

// New returns a Trainer. Call Connect before Start, Resume, Stop, Activate and
// RollBack.
func New(options Options) *Trainer { return &Trainer{Options: options} }

// Connect plugs in the queue that has the trainer's kind of jobs, and the rollout
// that changes the model of searches.
func (t *Trainer) Connect(queue Queue, models Rollout) { t.queue, t.rollout = queue, models }

// runFolder holds curves and checkpoints of a run.
func runFolder(data, name string) string { return filepath.Join(data, "runs", name) }

// create checks a configuration, completes it and queues a run.
func (t *Trainer) create(ctx context.Context, name string, config Config) (catalog.Run, error) {
	run, err := t.planned(ctx, name, config)
	if err != nil {
		return run, err
	}
	if earlier, err := t.Catalog.RunNamed(ctx, name); err == nil {
		return run, catalog.Conflict("there is a run %q already, which is %s: choose another name, resume it, or delete it", name, earlier.State)
	} else if !errors.Is(err, catalog.ErrNotFound) {
		return run, err
	}
	return t.Catalog.CreateRun(ctx, run)
}

// planned is a run that could be created if there were none of its name.
func (t *Trainer) planned(ctx context.Context, name string, config Config) (catalog.Run, error) {
	run, err := t.complete(ctx, name, &config)
	if err != nil {
		return run, err
	}
	return run, CheckFree(filepath.Join(t.Models, name))
}

// CheckFree refuses a directory in which there is a model already.
func CheckFree(dir string) error {
	if _, err := ordinary.Lstat(dir); err == nil {
		return catalog.Conflict("there is a model %s already: choose another --name, or remove it with `polylens model rm` first", dir)
	}
	return nil
}

// checkPictures refuses a collection without any picture that a training can read.
func (t *Trainer) checkPictures(ctx context.Context, name string) error {
	found, err := t.Catalog.Collection(ctx, name)
	if err != nil {
		return err
	}
	sources, err := t.Catalog.Sources(ctx, found.ID)
	if err == nil && slices.Equal(sources, []string{catalog.PushedSource}) {
		err = catalog.Conflict("all of its pictures were sent by clients, and a training reads pictures in folders: " +
			"write them into a folder with their captions, and train with `--pairs`")
	}
	return err
}

// complete finds what a configuration names, and replaces the names by ones that
// last.
func (t *Trainer) complete(ctx context.Context, name string, config *Config) (catalog.Run, error) {
	config.Data.Guard = cmp.Or(config.Data.Guard, GuardDemo)
	if err := config.Data.Check(); err != nil {
		return catalog.Run{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	if name := config.Data.Collection; name != "" {
		if err := t.checkPictures(ctx, name); err != nil {
			return catalog.Run{}, fmt.Errorf("collection %q: %w", name, err)
		}
	}
	model, err := t.openModel(ctx, config.Model)
	if err != nil {
		return catalog.Run{}, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	total, known := memory.Total()
	if err := config.CheckMemory(model, total, known); err != nil {
		return catalog.Run{}, fmt.Errorf("%w: the configuration of the run: %w", catalog.ErrInvalid, err)
	}
	config.Model = model.Dir
	content, err := json.Marshal(config)
	return catalog.Run{
		Name: name, Collection: config.Data.Collection, Data: config.Data.String(), Config: content,
		Base: catalog.RunModel{Directory: model.Dir, Fingerprint: model.Fingerprint},
	}, err
}

// openModel opens a model to train, "" for the one in use, unless ctx ends before.
func (t *Trainer) openModel(ctx context.Context, name string) (*trainer.Model, error) {
	name = cmp.Or(name, t.Model)
	return ordinary.Within(ctx, name, func() (*trainer.Model, error) { return t.findModel(name) })
}

func (t *Trainer) findModel(name string) (*trainer.Model, error) {
	dir, err := t.FindModel(name)
	if err != nil {
		return nil, err
	}
	if base, err := encoder.Base(dir, t.FindModel); err == nil && base != dir {
		return nil, fmt.Errorf("the model %s is an adapter, which cannot be trained further: begin with the model that it changes, --model %s", dir, base)
	}
	if hub.IsExport(dir) {
		return nil, fmt.Errorf("the model %s is an ONNX export, which cannot be trained: name the checkpoint that it was made of with --model", dir)
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		return nil, err
	}
	return trainer.OpenModel(dir, fingerprint)
}

// Wrote is the newest run that wrote the model in a directory; catalog.ErrNotFound
// for none.
func (t *Trainer) Wrote(ctx context.Context, dir string) (catalog.Run, error) {
	for before := ""; ; {
		runs, err := t.Catalog.Runs(ctx, "", before, 1000)
		if err != nil {
			return catalog.Run{}, err
		}
		for _, run := range runs {
			if run.Output.Directory == dir {
				return run, nil
			}
		}
		if len(runs) == 0 {
			return catalog.Run{}, catalog.ErrNotFound
		}
		before = runs[len(runs)-1].ID
	}
}

// Delete implements web.Trainer. It removes the run's folder too, unless a later
// one has its name.
func (t *Trainer) Delete(ctx context.Context, id string) error {
	run, err := t.Catalog.Run(ctx, id)
	if err != nil {
		return err
	}
	if err := t.Catalog.DeleteRun(ctx, id); err != nil {
		return err
	}
	if _, err := t.Catalog.RunNamed(ctx, run.Name); !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if !filepath.IsLocal(run.Name) {
		return nil
	}
	return os.RemoveAll(runFolder(t.Data, run.Name))
}
