package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"polylens/app/bench"
	"polylens/app/setup"
)

type benchEncodeCommand struct {
	Batch    int     `placeholder:"N" default:"8" help:"Pictures or texts that are encoded together (default: ${default})."`
	Pictures string  `placeholder:"DIR" type:"existingdir" help:"Folder of pictures to encode, in turn, instead of drawn ones."`
	Seconds  float64 `placeholder:"S" default:"5" help:"Least time to measure each thing for; three batches are measured at least (default: ${default})."`
	JSON     bool    `help:"Print one JSON object: images_per_second, texts_per_second, gflops, gemm_gflops and more."`
}

// Help documents the command.
func (*benchEncodeCommand) Help() string {
	return `Compares machines, models and precisions. Pictures are resized beforehand, texts are new each time, and every rate is ` +
		`that of the median batch. gflops is what the vision tower achieves, in billions of operations a second; gemm_gflops is ` +
		`the most that ONNX Runtime achieves on the processor with as many threads and one matrix product in fp32, the best run of ` +
		`the best of several sizes. Neither Milvus nor a data folder is needed. Measure on a quiet machine.

Examples:

    polylens bench encode
    polylens bench encode --model ./siglip2-base-patch16-224 --precision int8 --batch 8 --threads 2 --json

With --json, one object: {"images_per_second":5.4,"texts_per_second":17.1,"gflops":191,"gemm_gflops":239,...}. gflops is ` +
		`left out for a model in Immich's layout, whose files do not say what its towers compute.

` + exitHelp
}

func (c *benchEncodeCommand) Run(ctx context.Context, p *program) error {
	if c.Batch < 1 || c.Batch > 1024 {
		return usageError{fmt.Errorf("--batch %d: want 1 to 1024", c.Batch)}
	}
	if !(c.Seconds >= 0 && c.Seconds <= 3600) {
		return usageError{fmt.Errorf("--seconds %v: want 0 to 3600", c.Seconds)}
	}
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return err
	}
	dir, err := p.modelFolder()
	if err != nil {
		return err
	}
	rates, err := bench.Encode(ctx, bench.EncodeOrder{
		Model: dir, Options: p.encoderOptions(library), Batch: c.Batch, Pictures: c.Pictures, Seconds: c.Seconds,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(rates)
	}
	return c.print(p, rates)
}

func (c *benchEncodeCommand) print(p *program, r bench.EncodeRates) error {
	table := tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "model\t%s, %s on %s, %d together, %d threads\n", r.Model, r.Precision, r.Device, r.Batch, r.Threads)
	fmt.Fprintf(table, "processor\t%s\n", r.CPU)
	fmt.Fprintf(table, "pictures\t%.2f a second\n", r.ImagesPerSecond)
	fmt.Fprintf(table, "texts\t%.2f a second\n", r.TextsPerSecond)
	fmt.Fprintf(table, "one text\t%.1f ms, %.4f ms when it was encoded before\n", r.TextLatency, r.TextLatencyCached)
	if r.GFLOPS > 0 {
		fmt.Fprintf(table, "vision tower\t%.1f GFLOP/s\n", r.GFLOPS)
	}
	fmt.Fprintf(table, "matrix product\t%.1f GFLOP/s in fp32\n", r.GEMMGFLOPS)
	if r.GEMMGFLOPSInt8 > 0 {
		fmt.Fprintf(table, "\t%.1f GOP/s in int8\n", r.GEMMGFLOPSInt8)
	}
	fmt.Fprintf(table, "resizing\t%.1f pictures a second\n", r.PreprocessPerSecond)
	fmt.Fprintf(table, "opening\t%.2f s\n", r.OpenSeconds)
	if r.PeakBytes > 0 {
		fmt.Fprintf(table, "memory\t%.0f MB when open, %.0f MB at most\n", float64(r.ResidentBytes)/1e6, float64(r.PeakBytes)/1e6)
	}
	return table.Flush()
}
