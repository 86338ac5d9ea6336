package optim

import (
	"context"
	"math"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// shape is that of a matrix: rows and columns.
type shape [2]int

// Of Muon: the momentum, the steps and coefficients of the iteration that
// makes an update orthogonal, all as in Jordan et al. 2024 (Muon: an optimizer
// for hidden layers in neural networks), and the size of an update's elements,
// which is AdamW's (Liu et al. 2025, arXiv 2502.16982, equation 4).
const (
	momentum   = 0.95
	iterations = 5
	updateRMS  = 0.2
)

var quintic = [3]float64{3.4445, -4.7750, 2.0315}

// orthogonal updates the matrix of a span.
func (o *Optimizer) orthogonal(ctx context.Context, memory Memory, span Span, factor float64) error {
	rows := (span.End - span.Start) / span.Columns
	session, err := o.matrixSession(shape{rows, span.Columns})
	if err != nil {
		return err
	}
	matrix := func(values []float32) ort.Tensor {
		return ort.Floats(values[span.Start:span.End], int64(rows), int64(span.Columns))
	}
	size := updateRMS * math.Sqrt(float64(max(rows, span.Columns)))
	w, m := matrix(memory.Weights), matrix(memory.First)
	inputs := append(tensorsOf(factor, 1-span.Rate*span.Decay, span.Rate*size), matrix(memory.Gradients), w, m)
	return session.RunInto(ctx, inputs, []ort.Tensor{m, w})
}

func (o *Optimizer) matrixSession(of shape) (*ort.Session, error) {
	if session, ok := o.matrices[of]; ok {
		return session, nil
	}
	session, err := open(o.environment, func() (*graph.Graph, error) { return muonGraph(of) }, o.options)
	if err == nil {
		o.matrices[of] = session
	}
	return session, err
}

// muonGraph composes Muon with Nesterov's momentum for matrices of a shape:
//
//	m' = momentum m + (1 - momentum) g
//	w' = keep w - stride orthogonal(momentum m' + (1 - momentum) g)
//
// Both inputs that are updated are read before they are written, as in AdamW.
func muonGraph(of shape) (*graph.Graph, error) {
	return graph.Build("muon", func(g *graph.Graph) {
		scalar := func(name string) *graph.Value { return g.Input(name, graph.Float32, 1) }
		matrix := func(name string) *graph.Value { return g.Input(name, graph.Float32, int64(of[0]), int64(of[1])) }
		clip, keep, stride := scalar(clip), scalar(keep), scalar(stride)
		d, w, m := graph.Mul(matrix(gradient), clip), matrix(weight), matrix(first)
		d = graph.Mul(d, number(g, 1-momentum))
		m2 := graph.Add(graph.Mul(m, number(g, momentum)), d)
		g.Output(updated+first, m2)
		update := orthogonalized(graph.Add(graph.Mul(m2, number(g, momentum)), d), of)
		g.Output(updated+weight, graph.Sub(graph.Mul(w, keep), graph.Mul(update, stride)))
	})
}

// orthogonalized moves the singular values of a matrix near to 1 by Newton and
// Schulz's iteration, X' = a X + (b X X^T + c (X X^T)^2) X, from a matrix of
// Frobenius norm 1. The products are those of the shorter side.
func orthogonalized(x *graph.Value, of shape) *graph.Value {
	g := x.Graph()
	norm := graph.Sqrt(graph.ReduceSum(graph.Mul(x, x), true, 0, 1))
	x = graph.Div(x, graph.Max(norm, number(g, 1e-12)))
	a, b, c := number(g, quintic[0]), number(g, quintic[1]), number(g, quintic[2])
	tall := of[0] > of[1]
	for range iterations {
		square := graph.Gemm(x, x, tall, !tall)
		weights := graph.Add(graph.Mul(square, b), graph.Mul(graph.Gemm(square, square, false, false), c))
		left, right := weights, x
		if tall {
			left, right = x, weights
		}
		x = graph.Add(graph.Mul(x, a), graph.Gemm(left, right, false, false))
	}
	return x
}

func number(g *graph.Graph, value float64) *graph.Value {
	return g.Floats(graph.Shape{1}, float32(value))
}
