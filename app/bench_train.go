package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"polylens/app/setup"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

type benchTrainCommand struct {
	Mode      string `placeholder:"MODE" default:"full" help:"What is trained: full, lora, text-only, query or last-K, the last K blocks of each tower (default: ${default})."`
	Batch     int64  `placeholder:"N" default:"16" help:"Pictures of a step, and as many texts (default: ${default})."`
	Steps     int    `placeholder:"N" default:"5" help:"Steps to measure, after two to warm up (default: ${default})."`
	Cached    bool   `help:"Compute what is not trained once, not in every step."`
	Recompute bool   `help:"Keep only what enters each block and compute the rest once more: less memory, more time."`
	JSON      bool   `help:"Print one JSON object: step_seconds, peak_bytes, images_per_second and more."`
}

// Help documents the command.
func (*benchTrainCommand) Help() string {
	return `Trains on random pixels and texts, with AdamW, and changes no file. step_seconds is that of the median step, forward, ` +
		`backward and update; peak_bytes is the most memory that the process has had. Measure on a quiet machine.

Examples:

    polylens bench train --model ./siglip2-base-patch16-224 --mode lora --batch 16 --json
    polylens bench train --mode last-2 --cached

` + exitHelp
}

// trainRates is what bench train prints.
type trainRates struct {
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

func (c *benchTrainCommand) Run(ctx context.Context, p *program) error {
	if c.Batch < 1 || c.Batch > 4096 || c.Steps < 1 {
		return usageError{fmt.Errorf("--batch %d, --steps %d: want a batch of 1 to 4096 and at least one step", c.Batch, c.Steps)}
	}
	rates, err := c.measure(ctx, p)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(rates)
	}
	return rates.print(p)
}

func (r trainRates) print(p *program) error {
	table := tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "model\t%s, mode %s, %d together, %d threads\n", r.Model, r.Mode, r.Batch, r.Threads)
	fmt.Fprintf(table, "processor\t%s\n", r.CPU)
	fmt.Fprintf(table, "trained\t%d parameters\n", r.Parameters)
	fmt.Fprintf(table, "step\t%.3f s, of which %.3f s update; best %.3f s\n", r.StepSeconds, r.UpdateSeconds, r.BestStepSeconds)
	fmt.Fprintf(table, "pictures\t%.2f a second\n", r.ImagesPerSecond)
	fmt.Fprintf(table, "both towers\t%.1f GFLOP/s; a matrix product reaches %.1f\n", r.GFLOPS, r.GEMMGFLOPS)
	fmt.Fprintf(table, "memory\t%.0f MB at most\n", float64(r.PeakBytes)/1e6)
	return table.Flush()
}

// trainBench is a run of bench train.
type trainBench struct {
	command   *benchTrainCommand
	config    siglip2.Config
	learner   *learner.Learner
	optimizer *optim.Optimizer
	ids       ort.Tensor
	pixels    ort.Tensor
	batch     learner.Batch
}

func (c *benchTrainCommand) measure(ctx context.Context, p *program) (trainRates, error) {
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return trainRates{}, err
	}
	dir, err := p.modelFolder()
	if err != nil {
		return trainRates{}, err
	}
	threads := p.globals.Threads
	if threads == 0 {
		threads = ort.Cores()
	}
	b := &trainBench{command: c}
	if err := b.open(p, library, dir, threads); err != nil {
		return trainRates{}, err
	}
	rates := trainRates{Model: dir, Mode: c.Mode, Batch: c.Batch, Threads: threads, CPU: processorName()}
	if err := b.steps(ctx, &rates); err != nil {
		return trainRates{}, err
	}
	rates.PeakBytes = memoryOf("VmHWM")
	rates.GEMMGFLOPS, err = gemmPeak(ctx, library, threads, gemm.floats)
	return rates, err
}

func (b *trainBench) open(p *program, library, dir string, threads int) (err error) {
	if b.config, err = siglip2.ReadConfig(dir); err != nil {
		return err
	}
	mode, err := learner.ParseMode(b.command.Mode, b.config)
	if err != nil {
		return usageError{err}
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		return err
	}
	environment, err := ort.Open(library)
	if err != nil {
		return err
	}
	plan := learner.Plan{
		Texts: b.command.Batch, Pictures: b.command.Batch, Mode: mode, LoRA: learner.DefaultLoRA(), Recompute: b.command.Recompute,
	}
	options := ort.Options{Threads: threads, Spin: 50 * time.Microsecond, Device: p.globals.Device}
	if b.learner, err = learner.Open(environment, b.config, index, plan, options, 1); err != nil {
		return err
	}
	p.later(func(context.Context) error { return b.learner.Close() })
	b.optimizer, err = optim.New(environment, optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}, options)
	if err != nil {
		return err
	}
	p.later(func(context.Context) error { return b.optimizer.Close() })
	b.draw()
	return nil
}

// draw makes up pixels and texts of which the i-th belong together.
func (b *trainBench) draw() {
	n, vision, text := b.command.Batch, b.config.Vision, b.config.Text
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

// rates are those of AdamW for a parameter.
func rates(parameter learner.Parameter) (rate, decay float64) {
	if parameter.Decays() {
		decay = 1e-4
	}
	return 1e-5, decay
}

// steps measures and fills in what it finds.
func (b *trainBench) steps(ctx context.Context, rates *trainRates) error {
	var whole, updates []float64
	for step := range warmUp + b.command.Steps {
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
	rates.ImagesPerSecond = float64(b.command.Batch) / rates.StepSeconds
	flops := b.config.VisionFLOPs(b.config.Vision.Patches()) + b.config.TextFLOPs()
	rates.GFLOPS = 3 * float64(b.command.Batch*flops) / rates.StepSeconds / 1e9
	for _, parameter := range b.learner.State.Parameters {
		rates.Parameters += parameter.Elements()
	}
	return nil
}

// step is one step of training, and how long its update took.
func (b *trainBench) step(ctx context.Context, number int) (update time.Duration, loss float64, err error) {
	if number == 0 || !b.command.Cached {
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
