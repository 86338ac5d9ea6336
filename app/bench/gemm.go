package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// gemm is a product of float32 [M, K] and [K, N].
type gemm struct{ m, k, n int64 }

// gemmSizes are the shapes of transformers, and cubes, from ones that fit in the
// caches of one core to ones that do not. Which is fastest differs between
// processors, and between fp32 and int8.
var gemmSizes = []gemm{
	{512, 512, 512}, {256, 4096, 1024}, {1024, 1024, 1024}, {512, 768, 3072}, {1568, 768, 3072}, {2048, 2048, 2048},
}

// Each size is repeated for gemmSeconds and at least gemmRuns times.
const (
	gemmSeconds = 0.3
	gemmRuns    = 5
)

// gemmPeak is the most operations a second, in billions, that ONNX Runtime
// achieves on the processor with one product by constant weights: the best run
// of the best size, since only disturbances make a run slower.
func gemmPeak(ctx context.Context, library string, threads int, compose func(gemm) (*graph.Graph, error)) (float64, error) {
	environment, err := ort.Open(library)
	if err != nil {
		return 0, err
	}
	var peak float64
	for _, size := range gemmSizes {
		seconds, err := size.best(ctx, environment, threads, compose)
		if err != nil {
			return 0, fmt.Errorf("multiplying matrices [%d, %d] and [%d, %d]: %w", size.m, size.k, size.k, size.n, err)
		}
		peak = max(peak, 2*float64(size.m*size.k*size.n)/seconds/1e9)
	}
	return peak, nil
}

// best is the duration of the fastest of several runs, in seconds.
func (g gemm) best(ctx context.Context, environment *ort.Environment, threads int, compose func(gemm) (*graph.Graph, error)) (float64, error) {
	built, err := compose(g)
	if err != nil {
		return 0, err
	}
	session, err := environment.NewSession(ort.Model{
		Graph:   built.Encode(),
		Inputs:  []ort.Port{{Name: "x", Shape: []int64{g.m, g.k}}},
		Outputs: []ort.Port{{Name: "y", Shape: []int64{g.m, g.n}}},
	}, ort.Options{Threads: threads, Spin: time.Millisecond})
	if err != nil {
		return 0, err
	}
	defer session.Close()
	x := ort.Floats(gemmValues(g.m*g.k), g.m, g.k)
	best := math.Inf(1)
	for began, runs := time.Now(), 0; runs < gemmRuns || time.Since(began).Seconds() < gemmSeconds; runs++ {
		start := time.Now()
		if _, err := session.Run(ctx, x); err != nil {
			return 0, err
		}
		best = min(best, time.Since(start).Seconds())
	}
	return best, nil
}

// floats composes the product as the towers do in fp32.
func (g gemm) floats() (*graph.Graph, error) {
	return graph.Build("gemm", func(b *graph.Graph) {
		weight := b.Floats(graph.Shape{g.n, g.k}, gemmValues(g.n*g.k)...)
		b.Output("y", graph.Linear(b.Input("x", graph.Float32, g.m, g.k), weight, nil))
	})
}

// integers composes the product as the towers do in int8, including the conversion
// from float32 and back.
func (g gemm) integers() (*graph.Graph, error) {
	return graph.Build("gemm", func(b *graph.Graph) {
		x := graph.DynamicQuantize(b.Input("x", graph.Float32, g.m, g.k))
		weight := graph.Cast(b.Floats(graph.Shape{g.k, g.n}, gemmValues(g.k*g.n)...), graph.Int8)
		bias := b.Floats(graph.Shape{g.n}, gemmValues(g.n)...)
		b.Output("y", graph.QuantizedLinear(x, weight, bias, bias))
	})
}

// gemmValues are whole numbers between -100 and 100.
func gemmValues(count int64) []float32 {
	values := make([]float32, count)
	for i := range values {
		values[i] = float32((i*7919)%201 - 100)
	}
	return values
}
