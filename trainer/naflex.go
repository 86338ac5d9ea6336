package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/siglip2"
	"polylens/indexer/decode"
	"polylens/trainer/data/batch"
	"polylens/trainer/learner"
)

// openPatches prepares to see pictures with as many patches as batch.patches
// says, for a model of native aspect ratio.
func (r *run) openPatches() error {
	if r.Model.config.NaFlex() {
		if err := r.config.checkNative(); err != nil {
			return fmt.Errorf("the model %s is of native aspect ratio: %w", r.Model.Dir, err)
		}
	}
	r.processors = []*preprocess.Processor{r.Model.pixels}
	if len(r.config.Batch.Patches) == 0 {
		return nil
	}
	r.processors = nil
	for _, most := range r.config.Batch.Patches {
		processor, err := r.Model.pixels.WithMaxPatches(most)
		if err != nil {
			return fmt.Errorf("batch.patches: %w", err)
		}
		r.processors = append(r.processors, processor)
	}
	return nil
}

// checkNative refuses what does not work with pictures of native aspect ratio.
func (c Config) checkNative() error {
	switch {
	case c.Distill.On():
		return errors.New("set distill.factor to 0, its views have one size")
	case c.captions():
		return errors.New("set captions.weight to 0, its decoder looks at pictures of one size")
	case c.Keep.Patches > 0:
		return errors.New("set keep.patches to 0, and batch.patches to smaller numbers")
	}
	return nil
}

// patchesStream separates these random numbers from others of the same seed.
const patchesStream = 0x70617463_68657331

// processor is that of a part of a step. All parts of a step see pictures with
// the same number of patches at most, which is drawn, each of batch.patches as
// often as any other, and depends on nothing but the seed and the step.
func (r *run) processor(part int) *preprocess.Processor {
	step := uint64(part / r.config.loads())
	random := rand.New(rand.NewPCG(r.config.Seed^patchesStream, step))
	return r.processors[random.IntN(len(r.processors))]
}

// lasting is the processor of pictures whose vectors are computed once for all
// steps.
func (r *run) lasting() *preprocess.Processor {
	if len(r.processors) == 1 {
		return r.processors[0]
	}
	return r.Model.pixels
}

// largest is the processor that gives the most patches.
func (r *run) largest() *preprocess.Processor {
	largest := r.processors[0]
	for _, processor := range r.processors {
		if processor.MaxPatches() > largest.MaxPatches() {
			largest = processor
		}
	}
	return largest
}

// target is how large pictures are decoded at least: a part of one that is cut
// out may still fill the model's view.
func (r *run) target() decode.Target {
	processor := r.largest()
	return func(width, height int) (int, int) {
		width, height = processor.Target(width, height)
		return 2 * width, 2 * height
	}
}

// side is how many pixels a side the model sees, of a square.
func (r *run) side() int {
	if !r.Model.config.NaFlex() {
		return int(r.Model.config.Vision.Image)
	}
	processor := r.largest()
	return processor.PatchSize() * int(math.Sqrt(float64(processor.MaxPatches())))
}

// preprocessor is processor for the loader.
func (r *run) preprocessor(part int) batch.Preprocessor { return r.processor(part) }

// enter computes what enters a step for pictures.
func (r *run) enter(ctx context.Context, pictures []preprocess.Pixels) (ort.Tensor, []siglip2.Grid, error) {
	if r.Model.config.NaFlex() {
		return r.learner.EnterPatches(ctx, pictures)
	}
	entered, err := r.learner.EnterPictures(ctx, r.Model.pixelsOf(valuesOf(pictures)))
	return entered, nil, err
}

// encode computes the vectors of pictures with the weights as they are now.
func (m *Model) encode(ctx context.Context, l *learner.Learner, pictures []preprocess.Pixels) (ort.Tensor, error) {
	if m.config.NaFlex() {
		return l.EncodePatches(ctx, pictures)
	}
	return l.EncodePictures(ctx, m.pixelsOf(valuesOf(pictures)))
}

// encodeFrozen is encode for a model that is not trained.
func (m *Model) encodeFrozen(ctx context.Context, frozen *learner.Frozen, pictures []preprocess.Pixels) (ort.Tensor, error) {
	if m.config.NaFlex() {
		return frozen.EncodePatches(ctx, m.config, pictures)
	}
	return frozen.EncodePictures(ctx, m.pixelsOf(valuesOf(pictures)))
}

// seesAs reports whether the model takes pictures as another does.
func (m *Model) seesAs(other *Model) bool {
	return m.config.Vision.Image == other.config.Vision.Image && m.config.NaFlex() == other.config.NaFlex() &&
		(!m.config.NaFlex() || m.config.Vision.Patch == other.config.Vision.Patch)
}
