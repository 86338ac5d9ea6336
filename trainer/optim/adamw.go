package optim

import "polylens/encoder/graph"

// The scalars of an update, inputs of shape [1].
const (
	clip     = "clip"     // factor of the gradients
	keep     = "keep"     // 1 - learning rate * weight decay
	stride   = "stride"   // learning rate / (1 - beta1^t)
	rescale  = "rescale"  // 1 / sqrt(1 - beta2^t)
	gradient = "gradient" // [n]
	weight   = "weight"   // [n]
	first    = "first"    // [n], the first moment
	second   = "second"   // [n], the second moment
	updated  = "updated_" // prefix of an output
	squares  = "squares"  // sum of the squares of the gradient, [1]
	chunk    = 1 << 18    // elements of an update: what it works on stays in the processor's cache
)

// updateGraph composes AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101,
// algorithm 2), in the order of operations of torch.optim.AdamW:
//
//	m' = beta1 m + (1 - beta1) g
//	v' = beta2 v + (1 - beta2) g^2
//	w' = keep w - stride m' / (sqrt(v') rescale + epsilon)
//
// The moments come before the weight and all are read before they are
// written, so each output may be the memory of its input.
func updateGraph(settings Settings) (*graph.Graph, error) {
	return graph.Build("adamw", func(g *graph.Graph) {
		scalar := func(name string) *graph.Value { return g.Input(name, graph.Float32, 1) }
		vector := func(name string) *graph.Value { return g.Input(name, graph.Float32, graph.Batch) }
		clip, keep, stride, rescale := scalar(clip), scalar(keep), scalar(stride), scalar(rescale)
		d, w, m, v := graph.Mul(vector(gradient), clip), vector(weight), vector(first), vector(second)
		m2 := graph.Add(graph.Mul(m, number(g, settings.Beta1)), graph.Mul(d, number(g, 1-settings.Beta1)))
		v2 := graph.Add(graph.Mul(v, number(g, settings.Beta2)), graph.Mul(graph.Mul(d, d), number(g, 1-settings.Beta2)))
		g.Output(updated+first, m2)
		g.Output(updated+second, v2)
		length := graph.Add(graph.Mul(graph.Sqrt(v2), rescale), number(g, settings.Epsilon))
		g.Output(updated+weight, graph.Sub(graph.Mul(w, keep), graph.Mul(graph.Div(m2, length), stride)))
	})
}

// normGraph composes the sum of squares of a part of the gradient.
func normGraph() (*graph.Graph, error) {
	return graph.Build("norm", func(g *graph.Graph) {
		d := g.Input(gradient, graph.Float32, graph.Batch)
		g.Output(squares, graph.Reshape(graph.ReduceSum(graph.Mul(d, d), true, 0), 1))
	})
}
