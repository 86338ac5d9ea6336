package encoder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/ort/tune"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// sessionOptions are those of both towers. A device with "auto" is chosen here,
// once.
func (e *Encoder) sessionOptions(ctx context.Context, environment *ort.Environment, options Options) (ort.Options, error) {
	chosen, why, err := environment.Choose(ctx, options.Device)
	if err != nil {
		return ort.Options{}, err
	}
	if options.Device == ort.Auto {
		log(options.Logger).Info("device chosen", "device", chosen, "reason", why)
	}
	if suitable, reason := ort.Int8(); e.precision == INT8 && chosen == ort.CPU && !suitable {
		return ort.Options{}, fmt.Errorf("int8 is not for this machine: %s; use --precision fp32", reason)
	}
	e.device = chosen
	cache, err := cacheFolder(options.Cache)
	return ort.Options{Threads: options.Threads, Device: chosen, Half: e.precision == FP16, Cache: cache}, err
}

// sampleLayers is how many blocks are measured for the whole tower.
const sampleLayers = 2

// tuned chooses the number of threads by measuring the first blocks of the
// vision tower, once for a model on a machine, unless a number is given.
func (e *Encoder) tuned(ctx context.Context, index *safetensors.Index, config siglip2.Config, environment *ort.Environment, options ort.Options) (ort.Options, error) {
	if options.Threads > 0 || options.Device != ort.CPU {
		options.Spin = tune.Spin
		return options, nil
	}
	key := tune.KeyOf(environment, options, e.base, e.precision)
	if stored, found := tune.Load(options.Cache, key, options); found {
		return stored, nil
	}
	config.Vision.Layers = min(config.Vision.Layers, sampleLayers)
	sample, err := siglip2.BuildVision(config, partOf{siglip2.Stored(index)}, siglip2.Options{})
	if err != nil {
		return options, err
	}
	model, inputs := graphModel(sample, index.Dir), e.blank(config)
	best, err := tune.Fastest(ctx, tune.Candidates(options), func(ctx context.Context, candidate ort.Options) (time.Duration, error) {
		return timeRuns(ctx, environment, model, candidate, inputs)
	})
	if err != nil {
		return options, err
	}
	return best, tune.Save(options.Cache, key, best)
}

// partOf are the weights of a checkpoint of which a model uses only some.
type partOf struct{ siglip2.QuantizedParameters }

var _ siglip2.QuantizedParameters = partOf{}

// blank are inputs of the vision tower for one picture. With few rows threads wait
// for each other most, and that is when somebody waits for the answer.
func (e *Encoder) blank(config siglip2.Config) []ort.Tensor {
	var shapes [][]int64
	if config.NaFlex() {
		patches := int64(e.pixels.MaxPatches())
		shapes = [][]int64{{patches, config.Vision.PatchValues()}, {patches, config.Vision.Positions}}
	} else {
		side := int64(config.Vision.Image)
		shapes = [][]int64{{1, config.Vision.Channels, side, side}}
	}
	inputs := make([]ort.Tensor, len(shapes))
	for i, shape := range shapes {
		total, _ := graph.Shape(shape).Elements()
		inputs[i] = ort.Floats(slices.Repeat([]float32{0.5}, int(total)), shape...)
	}
	return inputs
}

// timedRuns is how often a candidate runs; the fastest counts.
const timedRuns = 3

func timeRuns(ctx context.Context, environment *ort.Environment, model ort.Model, options ort.Options, inputs []ort.Tensor) (time.Duration, error) {
	session, err := environment.NewSession(model, options)
	if err != nil {
		return 0, err
	}
	defer session.Close()
	var best time.Duration
	for i := range timedRuns + 1 { // the first warms up
		began := time.Now()
		if _, err := session.Run(ctx, inputs...); err != nil {
			return 0, err
		}
		if took := time.Since(began); i == 1 || i > 1 && took < best {
			best = took
		}
	}
	return best, nil
}
