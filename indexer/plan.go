package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/jobs"
)

// JobPlan is the kind of jobs that say what another would do, and change nothing.
const JobPlan = "plan"

// PlanParams says what a plan is for: a push, or a folder.
type PlanParams struct {
	PushParams
	Folder *JobParams `json:"folder,omitempty"`
}

// PlanCounts are what a push or a run over a folder would do. What cannot be decoded is
// found only when it is done.
type PlanCounts struct {
	Total     int `json:"total"`     // lines or pictures that were looked at
	New       int `json:"new"`       // images
	Changed   int `json:"changed"`   // images, in their picture or in what is said about them
	Unchanged int `json:"unchanged"` // images
	Removed   int `json:"removed"`   // images
	Failed    int `json:"failed"`    // lines or pictures that cannot be used
	Unread    int `json:"unread"`    // images that are there, whose new pictures are not read for a plan: they may change
	Known     int `json:"known"`     // of the pictures of new and changed images: those whose vectors are known
	Encode    int `json:"encode"`    // pictures that would be encoded
}

// Plan is what a push or a run over a folder would do, and what it would cost.
type Plan struct {
	PlanCounts
	Rate    float64 `json:"rate"`    // pictures that are encoded a second, as measured for this plan; 0 when nothing is
	Seconds float64 `json:"seconds"` // that encoding takes
	// Failures are the first MaxReported of what cannot be used.
	Failures []catalog.Failure `json:"failures,omitempty"`
}

// PlanKind is the kind of jobs that say what a push or a run over a folder would do.
func (p *Pushes) PlanKind() jobs.Kind {
	return jobs.Kind{Name: JobPlan, Handle: p.handlePlan, Waits: true, Passing: isPassing}
}

func (p *Pushes) handlePlan(ctx context.Context, job *jobs.Running) error {
	var params PlanParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		return fmt.Errorf("parameters of the job: %w", err)
	}
	plans, err := p.newPlanner(ctx, job, params.Folder)
	if err != nil {
		return err
	}
	if params.Folder != nil {
		err = plans.folder(ctx, *params.Folder)
	} else {
		err = p.planPush(ctx, plans, params.PushParams)
	}
	if err == nil {
		err = plans.measure(ctx)
	}
	if err != nil {
		return err
	}
	return job.Report(ctx, plans.plan)
}

// planner makes the plan of one job.
type planner struct {
	pushing
	job      *jobs.Running
	plan     Plan
	reported time.Time
	exists   bool                  // the collection does
	met      map[[16]byte]struct{} // contents that are counted
	images   map[string]bool       // clients' own IDs of images that earlier lines make or delete: whether they are there
	samples  []sample              // of what would be encoded
}

// sample is a picture that would be encoded.
type sample struct {
	content decode.Content
	counted *int // as what its image counts
}

const (
	// mostMet bounds what a plan remembers of itself. What goes beyond it may be counted
	// twice.
	mostMet       = 500_000
	mostSample    = 8 << 20 // bytes
	samplesOfPlan = 8
)

// newPlanner looks at a collection without making anything ready in it.
func (p *Pushes) newPlanner(ctx context.Context, job *jobs.Running, folder *JobParams) (*planner, error) {
	d := p.documents
	plans := &planner{
		pushing: pushing{destination: destination{Indexer: d.indexer, name: job.Collection}, blobs: d.blobs, places: d.places},
		job:     job, met: make(map[[16]byte]struct{}), images: make(map[string]bool),
	}
	known, err := d.indexer.store.UncountedCollection(ctx, job.Collection)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
	case err != nil:
		return nil, err
	case folder == nil:
		err = plans.checkModel(known)
	}
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return nil, err
	}
	plans.exists, plans.collection, plans.metadata = err == nil, known.ID, known.Metadata
	plans.originals = known.Originals
	if folder != nil && folder.Metadata != "" {
		plans.metadata = folder.Metadata
	}
	patches := known.MaxPatches
	if folder != nil && folder.MaxPatches != 0 {
		patches = folder.MaxPatches
	}
	if plans.encoder, err = d.indexer.encoder.For(patches); err != nil {
		return nil, fmt.Errorf("model for at most %d patches: %w", patches, err)
	}
	plans.fingerprint = plans.encoder.Fingerprint()
	return plans, nil
}

// tell reports how far the plan is, now and then.
func (p *planner) tell(ctx context.Context) {
	if time.Since(p.reported) > time.Second {
		p.reported = time.Now()
		_ = p.job.Report(ctx, p.plan) // ctx ends when the job is lost
	}
}

// fail counts what cannot be used.
func (p *planner) fail(uri string, err error) {
	p.plan.Failed++
	if len(p.plan.Failures) < MaxReported {
		p.plan.Failures = append(p.plan.Failures, catalog.Failure{URI: uri, Kind: catalog.FailurePicture, Reason: cleanReason(err.Error())})
	}
}

// picture counts an image that is to have a picture, as a run or push would find it.
func (p *planner) picture(ctx context.Context, j job, image catalog.Image, content decode.Content, exists bool) error {
	found := prepared{image: image}
	known, err := p.reuse(ctx, content.SHA256, &found)
	if err == nil && known {
		err = p.prepareContent(ctx, j, content, &found, true)
	}
	if err != nil {
		return err
	}
	if found.unchanged {
		p.plan.Unchanged++
		return nil
	}
	counted := p.newOrChanged(exists)
	*counted++
	p.cost(content, known, counted)
	return nil
}

func (p *planner) newOrChanged(exists bool) *int {
	if exists {
		return &p.plan.Changed
	}
	return &p.plan.New
}

// cost counts what the picture of a new or changed image costs: each content once.
func (p *planner) cost(content decode.Content, known bool, counted *int) {
	sum := sha256.Sum256([]byte(content.SHA256))
	key := [16]byte(sum[:16])
	if _, twice := p.met[key]; twice || known {
		p.plan.Known++
		return
	}
	if len(p.met) < mostMet {
		p.met[key] = struct{}{}
	}
	p.plan.Encode++
	if len(p.samples) < samplesOfPlan && len(content.Data) <= mostSample {
		p.samples = append(p.samples, sample{content, counted})
	}
}

// measure finds out how fast pictures are encoded now, by some of those that would be.
func (p *planner) measure(ctx context.Context) error {
	if p.plan.Encode == 0 {
		return nil
	}
	began := time.Now()
	pixels := p.samplePixels(ctx)
	decoding := time.Since(began) / time.Duration(max(p.options.Workers, 1))
	if len(pixels) == 0 {
		blank, err := p.encoder.Preprocess(image.NewRGBA(image.Rect(0, 0, 640, 480)))
		if err != nil {
			return err
		}
		pixels, decoding = []Pixels{blank}, 0
	}
	if _, err := p.encode(ctx, pixels[:1]); err != nil { // the first time takes longer
		return err
	}
	began = time.Now()
	if _, err := p.encode(ctx, pixels); err != nil {
		return err
	}
	took := max(time.Since(began), decoding, time.Microsecond)
	p.plan.Rate = float64(len(pixels)) / took.Seconds()
	p.plan.Seconds = float64(p.plan.Encode) / p.plan.Rate
	return nil
}

// samplePixels decodes the samples. What cannot be decoded is told of.
func (p *planner) samplePixels(ctx context.Context) (pixels []Pixels) {
	for _, sample := range p.samples {
		var found prepared
		err := p.decode(ctx, sample.content, &found)
		if err == nil {
			pixels = append(pixels, found.pixels)
		} else if ctx.Err() == nil {
			p.plan.Encode--
			*sample.counted--
			p.fail(sample.content.Name, errors.New(reason(err)))
		}
	}
	return pixels
}
