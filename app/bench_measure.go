package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"polylens/app/setup"
	"polylens/encoder"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
)

// Fewest and most measurements that a median is taken of.
const (
	fewestRuns = 3
	mostRuns   = 10_000
)

// encodeBench is a run of bench encode.
type encodeBench struct {
	command *benchEncodeCommand
	library string
	threads int
	model   *encoder.Encoder
	pixels  []preprocess.Pixels // a batch
	flops   int64               // of the batch; 0 is unknown
	asked   int                 // texts so far
	rates   encodeRates
}

func (c *benchEncodeCommand) measure(ctx context.Context, p *program) (encodeRates, error) {
	began := time.Now()
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return encodeRates{}, err
	}
	dir, err := p.modelFolder()
	if err != nil {
		return encodeRates{}, err
	}
	b := &encodeBench{command: c, library: library, threads: p.globals.Threads}
	if b.threads == 0 {
		b.threads = ort.Cores()
	}
	if err := b.open(ctx, p, dir); err != nil {
		return encodeRates{}, err
	}
	for _, step := range []func(context.Context) error{b.encodePictures, b.encodeTexts, b.multiply} {
		if err := step(ctx); err != nil {
			return encodeRates{}, err
		}
	}
	b.rates.Seconds = time.Since(began).Seconds()
	return b.rates, nil
}

// open readies the model and a batch of pictures. Weights are loaded by the
// first text and the first picture: those belong to it.
func (b *encodeBench) open(ctx context.Context, p *program, dir string) error {
	began := time.Now()
	options := p.encoderOptions(b.library)
	options.Threads, options.MaxBatch, options.Ungated = b.threads, b.command.Batch, true // speed alone is judged
	model, err := encoder.Open(ctx, dir, options)
	if err != nil {
		return err
	}
	p.later(func(context.Context) error { return model.Close() })
	b.model = model
	opened := time.Since(began)
	b.rates = encodeRates{
		Model: dir, Precision: model.Precision(), Device: model.Device(),
		Batch: b.command.Batch, Threads: b.threads, CPU: processorName(),
	}
	if err := b.preprocess(ctx); err != nil {
		return err
	}
	began = time.Now()
	if err := model.Load(true, true); err != nil {
		return err
	}
	if _, err := model.EncodeTexts(ctx, b.newTexts(1)); err != nil {
		return err
	}
	if _, err := model.EncodePixels(ctx, b.pixels[:1]); err != nil {
		return err
	}
	b.rates.OpenSeconds = (opened + time.Since(began)).Seconds()
	b.rates.ResidentBytes = memoryOf("VmRSS")
	return nil
}

// preprocess resizes as many pictures as a batch holds.
func (b *encodeBench) preprocess(ctx context.Context) error {
	pictures, err := b.command.pictures(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for i := range b.command.Batch {
		pixels, err := b.model.Preprocess(pictures[i%len(pictures)])
		if err != nil {
			return err
		}
		b.pixels = append(b.pixels, pixels)
		b.flops += b.model.VisionFLOPs(pixels)
	}
	b.rates.PreprocessPerSecond = float64(b.command.Batch) / time.Since(began).Seconds()
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
	together, err := b.median(func() error { return encode(b.newTexts(b.command.Batch)) })
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
	b.rates.TextsPerSecond = float64(b.command.Batch) / together
	b.rates.TextLatency, b.rates.TextLatencyCached = 1000*alone, 1000*cached
	b.rates.PeakBytes = memoryOf("VmHWM")
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
	if b.rates.GEMMGFLOPS, err = gemmPeak(ctx, b.library, b.threads, gemm.floats); err != nil {
		return err
	}
	if b.model.Precision() == encoder.INT8 {
		b.rates.GEMMGFLOPSInt8, err = gemmPeak(ctx, b.library, b.threads, gemm.integers)
	}
	return err
}

// median runs work once to warm up, then for as long as the user wants, and
// returns the seconds of the median run.
func (b *encodeBench) median(work func() error) (float64, error) {
	if err := work(); err != nil {
		return 0, err
	}
	var took []float64
	for began := time.Now(); len(took) < fewestRuns ||
		len(took) < mostRuns && time.Since(began).Seconds() < b.command.Seconds; {
		start := time.Now()
		if err := work(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start).Seconds())
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
