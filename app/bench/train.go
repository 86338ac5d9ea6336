package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// TrainOrder says what Train measures.
type TrainOrder struct {
	Library   string         // ONNX Runtime
	Model     string         // its directory
	Config    siglip2.Config // of the model
	Mode      learner.Mode   // what is trained
	Batch     int64          // pictures of a step, and as many texts
	Steps     int            // to measure
	Cached    bool           // compute what is not trained once, not in every step
	Recompute bool           // keep only what enters each block
	Threads   int            // 0: one for each core
	Device    string         //
}

// TrainRates is what Train has measured; bench train --json prints it.
type TrainRates struct {
	StepSeconds     float64 `json:"step_seconds"` // of the median step
	PeakBytes       int64   `json:"peak_bytes"`
	ImagesPerSecond float64 `json:"images_per_second"`

	BestStepSeconds float64 `json:"best_step_seconds"`
	UpdateSeconds   float64 `json:"update_seconds"` // of the median step, spent on AdamW
	GFLOPS          float64 `json:"gflops"`         // three times the forward operations of both towers, in all modes
	GEMMGFLOPS      float64 `json:"gemm_gflops"`    // the most that fp32 reaches here
	Parameters      int     `json:"parameters"`     // that are trained
	Loss            float64 `json:"loss"`           // of the last step

	Model   string `json:"model"`
	Mode    string `json:"mode"`
	Batch   int64  `json:"batch"`
	Threads int    `json:"threads"`
	CPU     string `json:"cpu"`
}

// warmUp is how many steps are not counted.
const warmUp = 2

// trainBench is a run of Train.
type trainBench struct {
	TrainOrder
	learner   *learner.Learner
	optimizer *optim.Optimizer
	ids       ort.Tensor
	pixels    ort.Tensor
	batch     learner.Batch
}

// Train measures steps on random pixels and texts. It changes no file.
func Train(ctx context.Context, order TrainOrder) (measured TrainRates, err error) {
	if order.Threads == 0 {
		order.Threads = ort.Cores()
	}
	b := &trainBench{TrainOrder: order}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(); err != nil {
		return TrainRates{}, err
	}
	measured = TrainRates{Model: b.Model, Mode: b.Mode.String(), Batch: b.Batch, Threads: b.Threads, CPU: processorName()}
	if err := b.steps(ctx, &measured); err != nil {
		return TrainRates{}, err
	}
	measured.PeakBytes = MemoryOf("VmHWM")
	measured.GEMMGFLOPS, err = gemmPeak(ctx, b.Library, b.Threads, gemm.floats)
	return measured, err
}

func (b *trainBench) open() error {
	index, err := safetensors.Open(b.Model)
	if err != nil {
		return err
	}
	environment, err := ort.Open(b.Library)
	if err != nil {
		return err
	}
	plan := learner.Plan{Texts: b.Batch, Pictures: b.Batch, Mode: b.Mode, LoRA: learner.DefaultLoRA(), Recompute: b.Recompute}
	options := ort.Options{Threads: b.Threads, Spin: 50 * time.Microsecond, Device: b.Device}
	if b.learner, err = learner.Open(environment, b.Config, index, plan, options, 1); err != nil {
		return err
	}
	b.optimizer, err = optim.New(environment, optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}, options)
	if err != nil {
		return err
	}
	b.draw()
	return nil
}

// close closes what open has opened, however far it came.
func (b *trainBench) close() (err error) {
	if b.optimizer != nil {
		err = b.optimizer.Close()
	}
	if b.learner != nil {
		err = errors.Join(err, b.learner.Close())
	}
	return err
}

// draw makes up pixels and texts; the i-th picture and the i-th text belong together.
func (b *trainBench) draw() {
	n, vision, text := b.Batch, b.Config.Vision, b.Config.Text
	side := int64(vision.Image)
	pixels := gemmValues(n * vision.Channels * side * side)
	for i := range pixels {
		pixels[i] /= 100
	}
	ids := make([]int64, n*text.Length)
	for i := range ids {
		ids[i] = int64(i) * 7919 % text.Vocabulary
	}
	targets := make([]float32, n*n)
	for i := range n {
		targets[i*n+i] = 1
	}
	b.ids, b.pixels = ort.Ints(ids, n, text.Length), ort.Floats(pixels, n, vision.Channels, side, side)
	b.batch.Targets = targets
}

// rates returns AdamW's rates for a parameter.
func rates(parameter learner.Parameter) (rate, decay float64) {
	if parameter.Decays() {
		decay = 1e-4
	}
	return 1e-5, decay
}

// steps measures and fills in what it finds.
func (b *trainBench) steps(ctx context.Context, rates *TrainRates) error {
	var whole, updates []float64
	for step := range warmUp + b.Steps {
		began := time.Now()
		update, loss, err := b.step(ctx, step)
		if err != nil {
			return err
		}
		if step >= warmUp {
			whole, updates = append(whole, time.Since(began).Seconds()), append(updates, update.Seconds())
		}
		rates.Loss = loss
	}
	slices.Sort(whole)
	slices.Sort(updates)
	rates.StepSeconds, rates.BestStepSeconds, rates.UpdateSeconds = whole[len(whole)/2], whole[0], updates[len(updates)/2]
	rates.ImagesPerSecond = float64(b.Batch) / rates.StepSeconds
	flops := b.Config.VisionFLOPs(b.Config.Vision.Patches()) + b.Config.TextFLOPs()
	rates.GFLOPS = 3 * float64(b.Batch*flops) / rates.StepSeconds / 1e9
	for _, parameter := range b.learner.State.Parameters {
		rates.Parameters += parameter.Elements()
	}
	return nil
}

// step takes one step of training and returns how long its update took.
func (b *trainBench) step(ctx context.Context, number int) (update time.Duration, loss float64, err error) {
	if number == 0 || !b.Cached {
		if b.batch.Texts, err = b.learner.EnterTexts(ctx, b.ids); err != nil {
			return 0, 0, err
		}
		if b.batch.Pictures, err = b.learner.EnterPictures(ctx, b.pixels); err != nil {
			return 0, 0, err
		}
	}
	reports, err := b.learner.Step(ctx, b.batch)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	_, err = b.optimizer.Step(ctx, b.learner.State.Memory, b.learner.State.Spans(rates), int64(number), 1)
	return time.Since(began), reports["loss"], err
}
