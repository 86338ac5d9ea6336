package encoder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	lru "github.com/hashicorp/golang-lru/v2"

	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
)

// Options say how a model runs.
type Options struct {
	Library  string       // path of the ONNX Runtime library
	Threads  int          // that one call uses; 0 takes GOMAXPROCS
	MaxBatch int          // texts or pictures per run of the model; 0 takes 8
	Logger   *slog.Logger // nil is silent

	// Precision of the arithmetic: FP32, FP16 or INT8; "" takes FP32.
	Precision string
	// Device that computes: "cpu" (also for ""), "cuda", "tensorrt", "coreml"
	// or "openvino", as far as the library at hand offers it.
	Device string
	// MaxPatches is the most patches of a picture, 64 to 1024, for a NaFlex
	// model; 0 takes the model's own. Models of fixed resolution refuse it.
	MaxPatches int
	// Cache is the folder for what is prepared once for a model, such as int8
	// weights; "" takes polylens in the user's cache folder.
	Cache string
}

// Precisions of the arithmetic.
const (
	FP32 = "fp32"
	FP16 = "fp16" // weights in 16 bits; devices compute in them, processors in 32 bits
	INT8 = "int8" // weights in 8 bits per channel, activations quantized as they come
)

// A batch of eight keeps the cores busy; a larger one only takes more memory.
const defaultBatch = 8

// textCache is how many text vectors are kept: people repeat and extend queries.
const textCache = 1024

// Encoder is an open model. All methods are safe for concurrent use.
type Encoder struct {
	config      siglip2.Config
	fingerprint string
	tokens      *tokenizer.Tokenizer
	pixels      *preprocess.Processor
	text        *tower
	vision      *tower
	maxBatch    int
	cache       *lru.Cache[string, []float32]
}

// Open checks a model directory and prepares its towers. Weights are loaded by
// the first text and the first picture; everything else is checked here, and
// an error names the file and what to do.
func Open(ctx context.Context, modelDir string, options Options) (*Encoder, error) {
	environment, err := ort.Open(options.Library)
	if err != nil {
		return nil, err
	}
	e := &Encoder{maxBatch: options.MaxBatch}
	if e.maxBatch <= 0 {
		e.maxBatch = defaultBatch
	}
	if e.cache, err = lru.New[string, []float32](textCache); err != nil {
		return nil, err
	}
	if err := e.openFiles(modelDir); err != nil {
		return nil, fmt.Errorf("opening model %s: %w", modelDir, err)
	}
	if err := e.compose(modelDir, environment, options.Threads); err != nil {
		return nil, fmt.Errorf("opening model %s: %w", modelDir, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.fingerprint, err = hub.Fingerprint(modelDir); err != nil {
		return nil, fmt.Errorf("opening model %s: %w", modelDir, err)
	}
	log(options.Logger).Debug("model opened", "dir", modelDir, "fingerprint", e.fingerprint, "runtime", environment.Version())
	return e, nil
}

func log(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

func (e *Encoder) openFiles(dir string) (err error) {
	if e.config, err = siglip2.ReadConfig(dir); err != nil {
		return err
	}
	if e.tokens, err = tokenizer.Open(dir); err != nil {
		return err
	}
	if e.pixels, err = preprocess.Open(dir); err != nil {
		return err
	}
	height, width := e.pixels.Size()
	if side := e.ImageSize(); height != side || width != side {
		return fmt.Errorf("preprocessor_config.json resizes to %dx%d pixels, but config.json has image_size %d: the files belong to different models",
			height, width, side)
	}
	return nil
}

func (e *Encoder) compose(dir string, environment *ort.Environment, threads int) error {
	index, err := safetensors.Open(dir)
	if err != nil {
		return err
	}
	text, err := siglip2.BuildText(e.config, siglip2.Stored(index), siglip2.Options{})
	if err != nil {
		return err
	}
	vision, err := siglip2.BuildVision(e.config, siglip2.Stored(index), siglip2.Options{})
	if err != nil {
		return err
	}
	e.text = newTower(environment, text, dir, threads)
	e.vision = newTower(environment, vision, dir, threads)
	return nil
}

// Fingerprint identifies the model: 64 hexadecimal digits, equal for equal
// weights, tokenizer and preprocessing.
func (e *Encoder) Fingerprint() string { return e.fingerprint }

// Dimension is the length of every vector.
func (e *Encoder) Dimension() int { return e.config.Dimension() }

// ImageSize is the number of pixels on each side of what the model sees.
func (e *Encoder) ImageSize() int { return int(e.config.Vision.Image) }

// Close waits for running calls and frees the weights. Later calls fail.
func (e *Encoder) Close() error { return errors.Join(e.text.close(), e.vision.close()) }
