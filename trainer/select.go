package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"polylens/encoder/hub"
	"polylens/encoder/preprocess"
	"polylens/trainer/data/batch"
	"polylens/trainer/learnability"
	"polylens/trainer/learner"
)

// Selection loads more pictures than a step needs and trains on those from which the
// model gains most; see package learnability.
type Selection struct {
	Teacher    string `json:"teacher"`     // directory of a model that knows better; "" trains on all
	SuperBatch int    `json:"super_batch"` // so many times the pictures of a step are drawn
	Chunks     int    `json:"chunks"`      // in which the pictures of a step are chosen
}

func (s Selection) check() error {
	if s.Teacher == "" {
		return nil
	}
	if !filepath.IsAbs(s.Teacher) {
		return fmt.Errorf("selection.teacher %q: want an absolute path, so that it is the same wherever the run goes on", s.Teacher)
	}
	if s.SuperBatch < 2 || s.SuperBatch > largest || s.Chunks < 1 || s.Chunks > largest {
		return fmt.Errorf("selection.super_batch %d, chunks %d: want to choose from 2 times a batch or more, in 1 chunk or more, and at most %d", s.SuperBatch, s.Chunks, largest)
	}
	return nil
}

// times is how many batches are loaded for each that is trained on.
func (s Selection) times() int {
	if s.Teacher == "" {
		return 1
	}
	return s.SuperBatch
}

// selector chooses what a step is trained on.
type selector struct {
	sampler     learnability.Sampler
	model       *Model // the teacher
	frozen      *learner.Frozen
	fingerprint string
}

// openSelector opens the teacher, if there is one.
func (r *run) openSelector() error {
	s := r.config.Selection
	if s.Teacher == "" {
		return nil
	}
	fingerprint, err := hub.Fingerprint(s.Teacher)
	if err != nil {
		return fmt.Errorf("selection.teacher: %w", err)
	}
	teacher, err := OpenModel(s.Teacher, fingerprint)
	if err != nil {
		return fmt.Errorf("selection.teacher: %w", err)
	}
	if !teacher.seesAs(r.Model) {
		return fmt.Errorf("selection.teacher: %s sees pictures of %d pixels and the model those of %d (0: native aspect ratio): choose a teacher of the same resolution and patches",
			s.Teacher, teacher.config.Vision.Image, r.Model.config.Vision.Image)
	}
	frozen, err := learner.OpenFrozen(r.Environment, teacher.config, teacher.weights, r.Options)
	if err != nil {
		return fmt.Errorf("selection.teacher: %w", err)
	}
	size := r.config.Batch.Pictures * r.config.Batch.Accumulate
	sampler := learnability.Sampler{Size: size, Chunks: s.Chunks, Seed: r.config.Seed}
	r.selector = &selector{sampler, teacher, frozen, fingerprint}
	return nil
}

func (s *selector) close() error {
	if s == nil {
		return nil
	}
	return s.frozen.Close()
}

// choose gives the parts of a step, made of what was loaded for it.
func (r *run) choose(ctx context.Context, loaded []batch.Loaded) ([]batch.Loaded, error) {
	if r.selector == nil {
		return r.byLength(loaded), nil
	}
	own, teacher, err := r.compare(ctx, loaded)
	if err != nil {
		return nil, err
	}
	chosen, err := r.selector.sampler.Choose(uint64(r.progress.Step), own, teacher)
	if err != nil {
		return nil, fmt.Errorf("choosing pictures for step %d: %w", r.progress.Step+1, err)
	}
	return r.regroup(loaded, chosen), nil
}

// compare encodes each picture, and the first of its texts, with the weights of
// the moment and with the teacher.
func (r *run) compare(ctx context.Context, loaded []batch.Loaded) (own, teacher learnability.Model, err error) {
	own = learnability.Model{
		Width: r.Model.config.Dimension(), Scale: math.Exp(r.learner.Value("logit_scale")), Bias: r.learner.Value("logit_bias"),
	}
	frozen := r.selector.frozen
	teacher = learnability.Model{Width: r.selector.model.config.Dimension(), Scale: frozen.Scale, Bias: frozen.Bias}
	for _, one := range loaded {
		if err := errors.Join(r.encodeOwn(ctx, one, &own), r.selector.encode(ctx, r.Material, one, &teacher)); err != nil {
			return own, teacher, err
		}
	}
	return own, teacher, nil
}

func (r *run) encodeOwn(ctx context.Context, loaded batch.Loaded, into *learnability.Model) error {
	var entered learner.Batch
	var err error
	if entered.Texts, err = r.enterTexts(ctx, firstPairs(loaded)); err != nil {
		return err
	}
	if entered.Pictures, entered.Grids, err = r.enterPictures(ctx, loaded); err != nil {
		return err
	}
	texts, pictures, err := r.learner.Embed(ctx, entered)
	into.Texts, into.Images = append(into.Texts, texts.Floats...), append(into.Images, pictures.Floats...)
	return err
}

func (s *selector) encode(ctx context.Context, material *Material, loaded batch.Loaded, into *learnability.Model) error {
	texts, err := s.frozen.EncodeTexts(ctx, s.model.tokensOf(material.textsOf(firstPairs(loaded))))
	if err != nil {
		return fmt.Errorf("the teacher: %w", err)
	}
	pictures, err := s.model.encodeFrozen(ctx, s.frozen, loaded.Pixels)
	if err != nil {
		return fmt.Errorf("the teacher: %w", err)
	}
	into.Texts, into.Images = append(into.Texts, texts.Floats...), append(into.Images, pictures.Floats...)
	return nil
}

// valuesOf are those of all pictures, one after the other.
func valuesOf(pictures []preprocess.Pixels) []float32 {
	var values []float32
	for _, pixels := range pictures {
		values = append(values, pixels.Values...)
	}
	return values
}

// firstPairs are the first pair of each picture.
func firstPairs(loaded batch.Loaded) []int {
	each := len(loaded.Pairs) / len(loaded.Pictures)
	first := make([]int, len(loaded.Pictures))
	for i := range first {
		first[i] = loaded.Pairs[i*each]
	}
	return first
}

// regroup makes parts of the chosen pictures, which are counted over all that
// was loaded.
func (r *run) regroup(loaded []batch.Loaded, chosen []int) []batch.Loaded {
	size, texts := r.config.Batch.Pictures, r.config.Batch.Texts
	parts := make([]batch.Loaded, len(chosen)/size)
	for i := range parts { // as if no more had been loaded: no two have the same number
		parts[i].Step, parts[i].Epoch = loaded[i].Step, loaded[i].Epoch
	}
	for i, number := range chosen {
		from, row, part := loaded[number/size], number%size, &parts[i/size]
		part.Pictures = append(part.Pictures, from.Pictures[row])
		part.Items = append(part.Items, from.Items[row])
		part.Pairs = append(part.Pairs, from.Pairs[row*texts:(row+1)*texts]...)
		part.Pixels = append(part.Pixels, from.Pixels[row])
		part.Views = append(part.Views, from.Views[row])
	}
	return parts
}
