package encoder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
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
	// Device that computes: "cpu" (also for ""), "cuda", "tensorrt", "coreml" or
	// "openvino", as far as the ONNX Runtime library offers it.
	Device string
	// MaxPatches is the most patches of a picture, 64 to 1024, for a NaFlex
	// model; 0 takes the model's own. Models of fixed resolution refuse it.
	MaxPatches int
	// Suffix chooses among the ONNX files of an exported model, such as
	// "_quantized"; "" takes the most exact.
	Suffix string
	// Cache is the folder for what is prepared once for a model, such as int8
	// weights; "" takes polylens in the user's cache folder.
	Cache string
	// Ungated opens a model in int8 without asking the quality gate, to judge it.
	Ungated bool
	// FindModel gives the directory of a model by its name, for an adapter that
	// names its base; nil takes the name for a path.
	FindModel func(name string) (string, error)
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
	*model
	pixels             *preprocess.Processor
	fingerprint        string
	pictureFingerprint string
	view               bool // of another Encoder, which closes the model
}

// model is what the views of an open model share.
type model struct {
	base      string // fingerprint of the files
	pictures  string // likewise, of what of them gives pictures their vectors
	precision string
	device    string
	text      textTower
	vision    visionTower
	native    *preprocess.Processor // as the model's files say
	tokens    *tokenizer.Tokenizer
	config    *siglip2.Config // of the architecture; nil where the files do not describe it
	length    int             // tokens of every text
	dimension int
	maxBatch  int
	queue     *queue
	cache     *lru.Cache[string, []float32]
}

// textTower turns rows of token ids, each of the model's length, into unit
// vectors.
type textTower interface {
	encode(ctx context.Context, rows [][]int64) ([][]float32, error)
	check(row []int64) error // that the tower knows every token
	load() (*ort.Session, error)
	close() error
}

// visionTower turns pictures into unit vectors.
type visionTower interface {
	encode(ctx context.Context, pictures []preprocess.Pixels) ([][]float32, error)
	dense(ctx context.Context, picture preprocess.Pixels) (Dense, error)
	load() (*ort.Session, error)
	close() error
}

// Open checks a model directory and prepares its towers. Weights are loaded by
// the first text and the first picture, or by Load; everything else is checked
// here, and an error names the file and what to do.
func Open(ctx context.Context, modelDir string, options Options) (*Encoder, error) {
	environment, err := ort.Open(options.Library)
	if err != nil {
		return nil, err
	}
	e, err := open(ctx, modelDir, environment, options)
	if err == nil && e.precision == INT8 && !options.Ungated {
		if err = e.passGate(ctx, modelDir, options); err != nil {
			err = errors.Join(err, e.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening model %s: %w", modelDir, err)
	}
	if options.MaxPatches != 0 {
		return e.WithMaxPatches(options.MaxPatches)
	}
	log(options.Logger).Debug("model opened", "dir", modelDir, "fingerprint", e.fingerprint,
		"precision", e.precision, "device", e.device, "runtime", environment.Version())
	return e, nil
}

func log(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

func open(ctx context.Context, dir string, environment *ort.Environment, options Options) (*Encoder, error) {
	m := &model{maxBatch: options.MaxBatch, precision: options.Precision, device: options.Device}
	if m.maxBatch <= 0 {
		m.maxBatch = defaultBatch
	}
	if m.precision == "" {
		m.precision = FP32
	}
	if m.device == "" {
		m.device = "cpu"
	}
	e := &Encoder{model: m}
	if err := e.openFiles(ctx, dir, environment, options); err != nil {
		return nil, err
	}
	m.queue = newQueue(m.maxBatch, m.text.encode)
	var err error
	if m.cache, err = lru.New[string, []float32](textCache); err != nil {
		return nil, err
	}
	e.fingerprint, e.pictureFingerprint = m.variant(m.base, e.pixels), m.variant(m.pictures, e.pixels)
	return e, ctx.Err()
}

// Load loads the weights of the towers named, both at the same time, so that
// the first text or picture does not wait for them.
func (e *Encoder) Load(texts, pictures bool) error {
	var group errgroup.Group
	if texts {
		group.Go(func() error { _, err := e.text.load(); return err })
	}
	if pictures {
		group.Go(func() error { _, err := e.vision.load(); return err })
	}
	return group.Wait()
}

// Fingerprint identifies the model: 64 hexadecimal digits, equal for equal
// weights, tokenizer, preprocessing and precision.
func (e *Encoder) Fingerprint() string { return e.fingerprint }

// Dimension is the length of every vector.
func (e *Encoder) Dimension() int { return e.dimension }

// Precision is FP32, FP16 or INT8.
func (e *Encoder) Precision() string { return e.precision }

// Device is what computes.
func (e *Encoder) Device() string { return e.device }

// ImageSize is the number of pixels on each side of what the model sees, 0 for
// a NaFlex model.
func (e *Encoder) ImageSize() int {
	height, _ := e.pixels.Size()
	return height
}

// MaxPatches is the most patches of a picture, 0 for a model of fixed
// resolution.
func (e *Encoder) MaxPatches() int { return e.pixels.MaxPatches() }

// Close waits for running calls and frees the weights. Later calls fail. Closing a
// view does nothing.
func (e *Encoder) Close() error {
	if e.view {
		return nil
	}
	return errors.Join(e.text.close(), e.vision.close())
}
