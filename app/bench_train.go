package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"polylens/app/bench"
	"polylens/app/setup"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
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

func (c *benchTrainCommand) Run(ctx context.Context, p *program) error {
	if c.Batch < 1 || c.Batch > 4096 || c.Steps < 1 {
		return usageError{fmt.Errorf("--batch %d, --steps %d: want a batch of 1 to 4096 and at least one step", c.Batch, c.Steps)}
	}
	order, err := c.order(p)
	if err != nil {
		return err
	}
	rates, err := bench.Train(ctx, order)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(rates)
	}
	return c.print(p, rates)
}

// order is what the command line asks for, with the model in use.
func (c *benchTrainCommand) order(p *program) (bench.TrainOrder, error) {
	order := bench.TrainOrder{
		Batch: c.Batch, Steps: c.Steps, Cached: c.Cached, Recompute: c.Recompute, Threads: p.globals.Threads, Device: p.globals.Device,
	}
	var err error
	if order.Library, err = p.item(setup.OnnxRuntime); err != nil {
		return order, err
	}
	if order.Model, err = p.modelFolder(); err != nil {
		return order, err
	}
	if order.Config, err = siglip2.ReadConfig(order.Model); err != nil {
		return order, err
	}
	if order.Mode, err = learner.ParseMode(c.Mode, order.Config); err != nil {
		return order, usageError{err}
	}
	return order, nil
}

func (c *benchTrainCommand) print(p *program, r bench.TrainRates) error {
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
