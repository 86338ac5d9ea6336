package trainer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"polylens/trainer/curve"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/learner"
)

func (r *run) openSampler() (err error) {
	b := r.config.Batch
	r.sampler, err = batch.NewSampler(r.Material.Set, r.Material.Findings.Items, r.Material.pictures(inspect.Training), batch.Options{
		Seed: r.config.Seed, Size: b.Pictures, Texts: b.Texts, SharedItems: b.SharedItems, LanguageTemperature: b.LanguageTemperature,
		Prefer: r.prefer(),
	})
	return err
}

func (r *run) openLoader() error {
	options := batch.LoaderOptions{
		Opener: r.Reading.Opener, Decoder: r.Reading.Decoder,
		Preprocessor: r.preprocessor,
		Target:       r.target(),
		Skip:         r.skip(),
	}
	if r.config.Batch.Augmentation != noAugmentation {
		augmenter, err := r.config.augmenter(r.side())
		if err != nil {
			return err
		}
		options.Augmenter = augmenter
	}
	var err error
	if options.Views, err = r.views(); err != nil {
		return err
	}
	r.loader = batch.NewLoader(r.sampler, options)
	return nil
}

// train runs steps until there are enough, or nothing improves any more.
func (r *run) train(ctx context.Context) error {
	if r.over() {
		return nil
	}
	var loaded []batch.Loaded
	began := time.Now()
	for one, err := range r.loader.Batches(ctx, int(r.progress.Step)*r.config.loads()) {
		if err != nil {
			return r.stop(ctx, err)
		}
		if loaded = append(loaded, one); len(loaded) < r.config.loads() {
			continue
		}
		if err := r.gradients(ctx, loaded); err != nil {
			return r.stop(ctx, err)
		}
		loaded = nil
		if err := r.update(ctx); err != nil {
			return r.stop(ctx, err)
		}
		r.recent.seconds += time.Since(began).Seconds()
		if err := r.after(ctx); err != nil {
			return r.stop(ctx, err)
		}
		if r.over() {
			return nil
		}
		began = time.Now()
	}
	return r.stop(ctx, ctx.Err())
}

// over reports whether the run has come to its end.
func (r *run) over() bool {
	patience := r.config.Validation.Patience
	return r.progress.Step >= r.config.Steps || patience > 0 && r.progress.EarlyStopping.Stale >= patience
}

// part computes the gradients of one part of a step.
func (r *run) part(ctx context.Context, loaded batch.Loaded, first bool) error {
	if first && r.config.Batch.Accumulate > 1 {
		r.learner.State.ClearGradients()
	}
	made, err := r.batch(ctx, loaded)
	if err != nil {
		return err
	}
	reports, err := r.learner.Step(ctx, made)
	if err != nil {
		return err
	}
	return r.note(reports, len(loaded.Pictures))
}

// note adds what a step or a part of it reports to its record.
func (r *run) note(reports map[string]float64, pictures int) error {
	if loss := reports["loss"]; math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("the loss of step %d is %v: %s", r.progress.Step+1, loss, r.reason())
	}
	r.recent.add(reports, pictures)
	return nil
}

// reason says why numbers are no longer finite.
func (r *run) reason() string {
	if r.progress.Step == 0 {
		return fmt.Sprintf("nothing was changed yet, so the weights of the model %s are damaged; fetch it again", r.Model.Dir)
	}
	return "the training diverged; lower optimizer.learning_rate"
}

// batch is what the learner takes of what was loaded.
func (r *run) batch(ctx context.Context, loaded batch.Loaded) (learner.Batch, error) {
	pairs, targets := r.compared(loaded)
	made := learner.Batch{Targets: targets, Number: r.config.Seed<<32 ^ uint64(loaded.Step)}
	var err error
	if !r.config.Labels.Alone {
		if made.Texts, err = r.enterTexts(ctx, pairs); err != nil {
			return made, err
		}
	}
	if made.Pictures, made.Grids, err = r.enterPictures(ctx, loaded); err != nil {
		return made, err
	}
	r.addLabels(&made, loaded)
	return made, errors.Join(r.addCaptions(&made, loaded), r.addViews(&made, loaded))
}

// transposed turns [rows, columns] into [columns, rows].
func transposed(values []float32, rows, columns int) []float32 {
	result := make([]float32, len(values))
	for i := range rows {
		for j := range columns {
			result[j*rows+i] = values[i*columns+j]
		}
	}
	return result
}

// updateLimit is far more than an update takes.
const updateLimit = 10 * time.Minute

// update changes the weights by the gradients of all parts. It is not
// interrupted: half of an update belongs to no step.
func (r *run) update(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), updateLimit)
	defer cancel()
	r.whole = false
	spans := r.learner.State.Spans(r.config.rates(r.progress.Step))
	norm, err := r.optimizer.Step(ctx, r.learner.State.Memory, spans, r.progress.Step, float64(r.config.Batch.Accumulate))
	if err != nil {
		return fmt.Errorf("step %d: %w", r.progress.Step+1, err)
	}
	r.recent.norm = norm
	r.progress.Step++
	return r.follow(ctx)
}

// after records, evaluates and saves what is due after a step.
func (r *run) after(ctx context.Context) error {
	step, last := r.progress.Step, r.progress.Step == r.config.Steps
	if err := r.record(ctx); err != nil {
		return err
	}
	if every := r.config.Validation.Every; every > 0 && (step%every == 0 || last) {
		if err := r.validate(ctx); err != nil {
			return err
		}
	}
	r.whole = true
	if step%r.config.Checkpoint.Every == 0 || r.over() || r.improved() {
		return r.save(ctx)
	}
	return nil
}

// improved reports whether this step is the best so far: its checkpoint must be.
func (r *run) improved() bool {
	return r.progress.Best != nil && r.progress.Best.Step == r.progress.Step
}

// average adds up what the parts of a step report.
type average struct {
	parts, pictures int
	seconds, norm   float64
	reports         map[string]float64
}

func (a *average) add(reports map[string]float64, pictures int) {
	if a.reports == nil {
		a.reports = map[string]float64{}
	}
	for name, value := range reports {
		a.reports[name] += value
	}
	a.parts++
	a.pictures += pictures
}

// record writes the curves of a step.
func (r *run) record(ctx context.Context) error {
	recent := r.recent
	r.recent = average{}
	training := &curve.Training{
		LearningRate: curve.Number(r.config.Optimizer.LearningRate * r.config.schedule().Factor(r.progress.Step-1)),
		GradientNorm: curve.Number(recent.norm),
		Temperature:  curve.Number(math.Exp(r.learner.Value("logit_scale"))), Bias: curve.Number(r.learner.Value("logit_bias")),
		ImagesPerSecond: curve.Number(float64(recent.pictures) / recent.seconds),
	}
	for name, sum := range maps.All(recent.reports) {
		mean := curve.Number(sum / float64(recent.parts))
		if name == "loss" {
			training.Loss = mean
			continue
		}
		if training.LossParts == nil {
			training.LossParts = map[string]curve.Number{}
		}
		training.LossParts[name] = mean
	}
	return r.tell(ctx, curve.Record{Training: training})
}

// tell appends a record to the curves and gives it to the recorder.
func (r *run) tell(ctx context.Context, record curve.Record) error {
	record.Step, record.Time = r.progress.Step, time.Now().UTC()
	record.Epoch = float64(r.progress.Step) / float64(r.perEpoch)
	if err := r.curves.Append(record); err != nil {
		return err
	}
	if r.Recorder == nil {
		return nil
	}
	return r.told(r.Recorder.Point(ctx, record.Step, record.Values()))
}

// told ignores an error of the recorder, unless the run is lost.
func (r *run) told(err error) error {
	if err == nil || errors.Is(err, ErrLost) {
		return err
	}
	r.Log.Warn("what happens in the run was not recorded", "step", r.progress.Step, "error", err)
	return nil
}
