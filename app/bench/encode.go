package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"polylens/encoder"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
)

// Fewest and most measurements that a median is taken from.
const (
	fewestRuns = 3
	mostRuns   = 10_000
)

// EncodeOrder says what Encode measures.
type EncodeOrder struct {
	Model    string          // its directory
	Options  encoder.Options // to open the model with; Encode sets those that only affect speed
	Batch    int             // pictures or texts that are encoded together
	Pictures string          // folder of pictures to encode, in turn; empty: drawn ones
	Seconds  float64         // least time to measure each thing for
}

// EncodeRates is what Encode has measured; bench encode --json prints it.
type EncodeRates struct {
	ImagesPerSecond float64 `json:"images_per_second"`
	TextsPerSecond  float64 `json:"texts_per_second"`
	GFLOPS          float64 `json:"gflops,omitempty"` // of the vision tower; 0 is unknown
	GEMMGFLOPS      float64 `json:"gemm_gflops"`      // the most that fp32 reaches here

	GEMMGFLOPSInt8      float64 `json:"gemm_gflops_int8,omitempty"` // the most that int8 reaches here
	TextLatency         float64 `json:"text_latency_ms"`            // of one new text
	TextLatencyCached   float64 `json:"text_latency_cached_ms"`     // of one that was encoded before
	PreprocessPerSecond float64 `json:"preprocess_per_second"`      // pictures, one after the other
	OpenSeconds         float64 `json:"open_seconds"`               // until a first text and a first picture are encoded
	ResidentBytes       int64   `json:"resident_bytes,omitempty"`   // of the process when the model is open
	PeakBytes           int64   `json:"peak_bytes,omitempty"`       // of the process after all encoding

	Model     string  `json:"model"`
	Precision string  `json:"precision"`
	Device    string  `json:"device"`
	Batch     int     `json:"batch"`
	Threads   int     `json:"threads"`
	CPU       string  `json:"cpu"`
	Seconds   float64 `json:"seconds"` // that the whole run took
}

// encodeBench is a run of Encode.
type encodeBench struct {
	EncodeOrder
	model  *encoder.Encoder
	pixels []preprocess.Pixels // a batch
	flops  int64               // of the batch; 0 is unknown
	asked  int                 // texts so far
	rates  EncodeRates
}

// Encode opens a model and measures how fast it encodes.
func Encode(ctx context.Context, order EncodeOrder) (rates EncodeRates, err error) {
	began := time.Now()
	if order.Options.Threads == 0 {
		order.Options.Threads = ort.Cores()
	}
	order.Options.MaxBatch, order.Options.Ungated = order.Batch, true // speed alone is judged
	b := &encodeBench{EncodeOrder: order}
	defer func() {
		if b.model != nil {
			err = errors.Join(err, b.model.Close())
		}
	}()
	for _, step := range []func(context.Context) error{b.open, b.encodePictures, b.encodeTexts, b.multiply} {
		if err := step(ctx); err != nil {
			return EncodeRates{}, err
		}
	}
	b.rates.Seconds = time.Since(began).Seconds()
	return b.rates, nil
}

// open makes the model and a batch of pictures ready. The first text and the first
// picture load the weights, so they are part of opening.
func (b *encodeBench) open(ctx context.Context) (err error) {
	began := time.Now()
	if b.model, err = encoder.Open(ctx, b.Model, b.Options); err != nil {
		return err
	}
	opened := time.Since(began)
	b.rates = EncodeRates{
		Model: b.Model, Precision: b.model.Precision(), Device: b.model.Device(),
		Batch: b.Batch, Threads: b.Options.Threads, CPU: processorName(),
	}
	if err := b.preprocess(ctx); err != nil {
		return err
	}
	began = time.Now()
	if err := b.model.Load(true, true); err != nil {
		return err
	}
	if _, err := b.model.EncodeTexts(ctx, b.newTexts(1)); err != nil {
		return err
	}
	if _, err := b.model.EncodePixels(ctx, b.pixels[:1]); err != nil {
		return err
	}
	b.rates.OpenSeconds = (opened + time.Since(began)).Seconds()
	b.rates.ResidentBytes = MemoryOf("VmRSS")
	return nil
}

// preprocess resizes as many pictures as a batch holds.
func (b *encodeBench) preprocess(ctx context.Context) error {
	pictures, err := b.pictures(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for i := range b.Batch {
		pixels, err := b.model.Preprocess(pictures[i%len(pictures)])
		if err != nil {
			return err
		}
		b.pixels = append(b.pixels, pixels)
		b.flops += b.model.VisionFLOPs(pixels)
	}
	b.rates.PreprocessPerSecond = float64(b.Batch) / time.Since(began).Seconds()
	return nil
}

func (b *encodeBench) encodePictures(ctx context.Context) error {
	seconds, err := b.median(func() error {
		_, err := b.model.EncodePixels(ctx, b.pixels)
		return err
	})
	if err != nil {
		return err
	}
	b.rates.ImagesPerSecond = float64(len(b.pixels)) / seconds
	b.rates.GFLOPS = float64(b.flops) / seconds / 1e9
	return nil
}

func (b *encodeBench) encodeTexts(ctx context.Context) error {
	encode := func(texts []string) error {
		_, err := b.model.EncodeTexts(ctx, texts)
		return err
	}
	together, err := b.median(func() error { return encode(b.newTexts(b.Batch)) })
	if err != nil {
		return err
	}
	alone, err := b.median(func() error { return encode(b.newTexts(1)) })
	if err != nil {
		return err
	}
	known := b.newTexts(1)
	cached, err := b.median(func() error { return encode(known) })
	if err != nil {
		return err
	}
	b.rates.TextsPerSecond = float64(b.Batch) / together
	b.rates.TextLatency, b.rates.TextLatencyCached = 1000*alone, 1000*cached
	b.rates.PeakBytes = MemoryOf("VmHWM")
	return nil
}

// newTexts are texts that the model has not seen, so that no cache answers.
func (b *encodeBench) newTexts(count int) []string {
	texts := make([]string, count)
	for i := range texts {
		texts[i] = fmt.Sprintf("photo %d of a red fish in the harbour at night", b.asked)
		b.asked++
	}
	return texts
}

func (b *encodeBench) multiply(ctx context.Context) (err error) {
	if b.rates.GEMMGFLOPS, err = gemmPeak(ctx, b.Options.Library, b.Options.Threads, gemm.floats); err != nil {
		return err
	}
	if b.model.Precision() == encoder.INT8 {
		b.rates.GEMMGFLOPSInt8, err = gemmPeak(ctx, b.Options.Library, b.Options.Threads, gemm.integers)
	}
	return err
}

// median runs work once to warm up, then for as long as the user wants, and
// returns the seconds that the median run took.
func (b *encodeBench) median(work func() error) (float64, error) {
	if err := work(); err != nil {
		return 0, err
	}
	var took []float64
	for began := time.Now(); len(took) < fewestRuns ||
		len(took) < mostRuns && time.Since(began).Seconds() < b.Seconds; {
		start := time.Now()
		if err := work(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start).Seconds())
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
