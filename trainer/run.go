package trainer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/trainer/balance"
	"polylens/trainer/caption"
	"polylens/trainer/checkpoint"
	"polylens/trainer/curve"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/distill"
	"polylens/trainer/evaluate"
	"polylens/trainer/label"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// ErrLost is what a Recorder wraps when the run now belongs to another process: this
// process ends it at once and leaves its files alone.
var ErrLost = errors.New("the run belongs to another process")

// Recorder is told what happens in a run. Its errors end nothing, except for ErrLost:
// the files in the run's folder are what counts.
type Recorder interface {
	// Begin says after which step of so many a run goes on.
	Begin(ctx context.Context, step, steps int64) error
	// Point gives the values of a step by the names that they have on charts.
	Point(ctx context.Context, step int64, values map[string]float64) error
	// Best says which step has been the best so far, by a value of Point.
	Best(ctx context.Context, metric string, step int64, value float64) error
}

// Setting is what a run works with.
type Setting struct {
	Folder      string // of the run: curves and checkpoints
	Environment *ort.Environment
	Options     ort.Options
	Model       *Model
	Material    *Material
	Reading     Reading
	Guard       *Guarded // nil guards nothing
	Recorder    Recorder // nil reports to nobody
	Log         *slog.Logger
}

// Result is what came of a run.
type Result struct {
	Steps      int64                `json:"steps"`          // that were trained
	Best       *checkpoint.Best     `json:"best,omitempty"` // nil without validation
	Validation evaluate.Report      `json:"-"`              // of the result
	Before     evaluate.Report      `json:"-"`              // of the model that training began with, likewise
	Forgetting *evaluate.Forgetting `json:"forgetting,omitempty"`
	Pictures   bool                 `json:"pictures"` // pictures have other vectors than before
	Balance    *balance.Result      `json:"balance,omitempty"`
}

// run is a run that is going on.
type run struct {
	Setting
	config     Config
	learner    *learner.Learner
	optimizer  *optim.Optimizer
	decoder    *caption.Decoder   // nil for none
	distiller  *distill.Distiller // nil for none
	labels     *label.Objective   // nil for none
	vectors    *itemVectors       // nil compares texts with the pictures of their batch
	texts      *itemTexts         // nil compares pictures with the texts of their batch
	related    *batch.Related     // which texts are about which items
	sampler    *batch.Sampler     // of what is trained on
	loader     *batch.Loader
	processors []*preprocess.Processor // of pictures: one of them for each step
	prefixes   prefixes
	selector   *selector       // nil trains on all that is loaded
	balance    *balance.Result // nil draws all alike
	balanced   []int           // the pictures that it weighs
	validation *examined       // nil for none
	folder     checkpoint.Folder
	curves     *curve.Log
	progress   checkpoint.Progress
	perEpoch   int     // steps
	recent     average // of the step that is going on
	whole      bool    // the state is that of a step's end
}

// Write is called once with the best weights that a run has found, and what
// they have forgotten, nil if nothing is guarded. It writes the model where the
// caller wants it.
type Write func(ctx context.Context, best *learner.Learner, verdict *evaluate.Forgetting) error

// Run trains. A run that was interrupted goes on from its last checkpoint, if
// the folder holds one of the same configuration and pairs; a context that
// ends makes one.
func Run(ctx context.Context, config Config, setting Setting, write Write) (Result, error) {
	if err := errors.Join(config.Check(), setting.Material.Report.Check()); err != nil {
		return Result{}, err
	}
	r, err := open(config, setting)
	if err != nil {
		return Result{}, err
	}
	result, err := r.complete(ctx, write)
	return result, errors.Join(err, r.close())
}

func open(config Config, setting Setting) (*run, error) {
	r := &run{Setting: setting, config: config}
	r.folder = checkpoint.Folder{Path: filepath.Join(setting.Folder, "checkpoints"), Keep: config.Checkpoint.Keep}
	if err := r.openAll(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// openAll opens first what reveals mistakes soonest.
func (r *run) openAll() error {
	if err := r.openBalance(); err != nil {
		return err
	}
	if err := r.openSampler(); err != nil {
		return err
	}
	r.related = batch.NewRelated(r.Material.Set, r.Material.Findings.Items)
	r.perEpoch = max(1, r.sampler.Steps()/r.config.loads())
	for _, open := range []func() error{r.checkGuarded, r.checkMemory, r.openPatches, r.openDecoder, r.openDistiller, r.openLabels, r.openItems, r.openValidation, r.openLearner, r.restrictVocabulary, r.openPrefixes, r.openSelector, r.checkSpace} {
		if err := open(); err != nil {
			return err
		}
	}
	return r.openLoader()
}

func (r *run) openLearner() error {
	mode, err := learner.ParseMode(r.config.Mode, r.Model.config)
	if err != nil {
		return err
	}
	plan := learner.Plan{
		Texts: r.textsOfStep(), Pictures: r.picturesOfStep(), Mode: mode, LoRA: r.config.LoRA,
		Keep: r.keep(), Alone: r.config.Labels.Alone,
		Recompute: r.config.Batch.Recompute, Accumulate: r.config.Batch.Accumulate > 1, Objectives: r.objectives(), Late: r.late(),
	}
	if r.config.across() {
		plan.Parts = int64(r.config.Batch.Accumulate)
	}
	if r.learner, err = learner.Open(r.Environment, r.Model.config, r.Model.weights, plan, r.Options, r.config.Seed); err != nil {
		return err
	}
	r.learner.State.Muon = r.config.Optimizer.Muon
	r.optimizer, err = optim.New(r.Environment, r.config.settings(), r.Options)
	return err
}

func (r *run) openValidation() (err error) {
	pictures := r.Material.pictures(inspect.Validation)
	if r.config.Validation.Every == 0 {
		return nil
	}
	if limit := r.config.Validation.Limit; limit > 0 && len(pictures) > limit {
		pictures = pictures[:limit]
	}
	if len(pictures) < 2 {
		return fmt.Errorf("%d pictures are kept aside for validation, which is too few to show anything: raise split.validation, or set validation.every to 0",
			len(pictures))
	}
	r.validation, err = newExamined(r.Material.Set, pictures, r.Reading)
	return err
}

// complete trains from where the run stands to its end.
func (r *run) complete(ctx context.Context, write Write) (Result, error) {
	before, err := r.evaluateBefore(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := r.resume(ctx); err != nil {
		return Result{}, err
	}
	if err := r.train(ctx); err != nil {
		return Result{}, err
	}
	return r.finish(ctx, before, write)
}

func (r *run) close() error {
	errs := []error{r.prefixes.close(), r.selector.close()}
	if r.curves != nil {
		errs = append(errs, r.curves.Close())
	}
	if r.learner != nil {
		errs = append(errs, r.learner.Close())
	}
	if r.optimizer != nil {
		errs = append(errs, r.optimizer.Close())
	}
	return errors.Join(errs...)
}
