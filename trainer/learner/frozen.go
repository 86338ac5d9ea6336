package learner

import (
	"context"
	"errors"
	"fmt"
	"math"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// Frozen is a model that is not trained, such as a teacher.
type Frozen struct {
	Scale, Bias     float64 // of logits; Scale is not the logarithm
	texts, pictures *ort.Session
}

// OpenFrozen opens both towers of the model in index. Close frees them.
func OpenFrozen(environment *ort.Environment, config siglip2.Config, index *safetensors.Index, options ort.Options) (*Frozen, error) {
	o := opening{environment: environment, config: config, index: index, options: options}
	o.plan.Mode = Mode{text: nothing, vision: nothing}
	f := &Frozen{}
	var errs [4]error
	f.Scale, errs[0] = scalarOf(index, logitScale)
	f.Bias, errs[1] = scalarOf(index, logitBias)
	f.Scale = math.Exp(f.Scale)
	f.texts, errs[2] = o.openTextEntry()
	f.pictures, errs[3] = o.openPictureEntry()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func scalarOf(index *safetensors.Index, name string) (float64, error) {
	values, err := index.Floats(name)
	if err == nil && len(values) != 1 {
		err = fmt.Errorf("%s of the model %s has %d values, want 1", name, index.Dir, len(values))
	}
	if err != nil {
		return 0, err
	}
	return float64(values[0]), nil
}

// EncodeTexts computes unit vectors [n, D] for token ids [n, L].
func (f *Frozen) EncodeTexts(ctx context.Context, ids ort.Tensor) (ort.Tensor, error) {
	return enter(ctx, f.texts, ids)
}

// EncodePictures computes unit vectors [n, D] for pixels [n, 3, R, R].
func (f *Frozen) EncodePictures(ctx context.Context, pixels ort.Tensor) (ort.Tensor, error) {
	return enter(ctx, f.pictures, pixels)
}

// Close frees the towers.
func (f *Frozen) Close() error {
	var errs []error
	for _, session := range []*ort.Session{f.texts, f.pictures} {
		if session != nil {
			errs = append(errs, session.Close())
		}
	}
	return errors.Join(errs...)
}
