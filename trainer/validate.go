package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
	"polylens/trainer/checkpoint"
	"polylens/trainer/curve"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// Guarded is a set that the model must not get worse at.
type Guarded struct {
	examined    *examined
	set         *data.Set // all pairs
	fingerprint string
}

// NewGuarded makes a guarded set of pairs: all pictures of the material,
// whatever part they are in.
func NewGuarded(material *Material, reading Reading) (*Guarded, error) {
	var pictures []int
	for picture, content := range material.Findings.Contents {
		if content.Err == nil {
			pictures = append(pictures, picture)
		}
	}
	examined, err := newExamined(material.Set, pictures, reading)
	if err != nil {
		return nil, fmt.Errorf("the guarded set: %w", err)
	}
	return &Guarded{examined, material.Set, material.fingerprint()}, nil
}

// checkGuarded refuses an allowance for a language that is not guarded.
func (r *run) checkGuarded() error {
	if r.Guard == nil {
		return nil
	}
	guarded := r.Guard.examined.set.Languages()
	for _, name := range slices.Sorted(maps.Keys(r.config.Guard.Languages)) {
		if !slices.Contains(guarded, strings.ToLower(name)) {
			return fmt.Errorf("guard.languages: %q is none of the guarded languages: %s", name, strings.Join(guarded, ", "))
		}
	}
	return nil
}

// measured is what is known about a model on the two sets.
type measured struct {
	Validation evaluate.Report `json:"validation"`
	Guard      evaluate.Report `json:"guard"`
}

// beforeFile keeps what the model could before training, for a run that goes on.
const beforeFile = "before.json"

// measuredBefore is its content: of which run, judged by which guarded set.
type measuredBefore struct {
	Run     checkpoint.Identity `json:"run"`
	Guarded string              `json:"guarded"` // fingerprint of the set
	measured
}

// evaluateBefore measures the model that training begins with.
func (r *run) evaluateBefore(ctx context.Context) (measured, error) {
	path := filepath.Join(r.Folder, beforeFile)
	before := measuredBefore{Run: r.identity()}
	if r.Guard != nil {
		before.Guarded = r.Guard.fingerprint
	}
	var err error
	if known, ok := readBefore(path); ok && known.Run == before.Run && known.Guarded == before.Guarded {
		return known.measured, nil
	}
	if before.measured, err = r.measure(ctx); err != nil {
		return before.measured, fmt.Errorf("the model %s before training: %w", r.Model.Dir, err)
	}
	content, err := json.Marshal(before)
	if err != nil {
		return before.measured, err
	}
	return before.measured, errors.Join(os.MkdirAll(r.Folder, 0o755), replace.Sweep(path), replace.Durable(path, content, replace.Shared))
}

// readBefore reads the file. One that cannot be read is written anew.
func readBefore(path string) (before measuredBefore, ok bool) {
	content, err := ordinary.Read(path, 64<<20)
	if err == nil {
		err = json.Unmarshal(content, &before)
	}
	return before, err == nil
}

func (r *run) measure(ctx context.Context) (m measured, err error) {
	if r.validation != nil {
		if m.Validation, err = r.validation.evaluate(ctx, r.Model, r.learner); err != nil {
			return m, fmt.Errorf("evaluating: %w", err)
		}
	}
	if r.Guard != nil {
		if m.Guard, err = r.Guard.examined.evaluate(ctx, r.Model, r.learner); err != nil {
			return m, fmt.Errorf("evaluating on the guarded set: %w", err)
		}
	}
	return m, nil
}

// validate evaluates the model on what was held out and counts towards the end of a
// run that no longer improves.
func (r *run) validate(ctx context.Context) error {
	report, err := r.validation.evaluate(ctx, r.Model, r.learner)
	if err != nil {
		return fmt.Errorf("evaluating after step %d: %w", r.progress.Step, err)
	}
	value := r.config.Validation.of(report)
	r.progress.EarlyStopping.Evaluations++
	r.progress.EarlyStopping.Stale++
	if r.progress.Best == nil || value > r.progress.Best.Value {
		r.progress.Best = &checkpoint.Best{Step: r.progress.Step, Value: value}
		r.progress.EarlyStopping.Stale = 0
	}
	r.Log.Info("evaluated", "step", r.progress.Step, r.config.Validation.Metric, value, "best", r.progress.Best.Value)
	if err := r.tell(ctx, curve.Record{Validation: validationOf(report)}); err != nil || r.Recorder == nil {
		return err
	}
	return r.told(r.Recorder.Best(ctx, r.config.Validation.curve(), r.progress.Best.Step, r.progress.Best.Value))
}

// curve is the name on charts of the metric that the run is judged by.
func (v Validation) curve() string {
	return "validation/" + evaluate.MeanLanguage + "/" + string(evaluate.TextToImage) + "/" + v.Metric
}

// of is the metric of a report: the mean over languages of text_to_image.
func (v Validation) of(report evaluate.Report) float64 {
	var qualities []evaluate.Quality
	for _, result := range report {
		if result.Direction == evaluate.TextToImage {
			qualities = append(qualities, result.Quality)
		}
	}
	mean := evaluate.Mean(qualities)
	return map[string]float64{"r1": mean.R1, "r5": mean.R5, "r10": mean.R10, "mrr": mean.MRR}[v.Metric]
}

// validationOf is what curves show of a report: every language, and their mean.
func validationOf(report evaluate.Report) []curve.Validation {
	var list []curve.Validation
	for _, result := range report.Summary() {
		list = append(list, curve.Validation{
			Language: result.Language, Direction: string(result.Direction), N: result.N,
			R1: curve.Number(result.R1), R5: curve.Number(result.R5), R10: curve.Number(result.R10),
			MRR: curve.Number(result.MRR), MedianRank: curve.Number(result.MedianRank),
		})
	}
	return list
}
