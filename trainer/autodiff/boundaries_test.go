package autodiff

import (
	"slices"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// chain is a stack of blocks with a loss and its gradients.
type chain struct {
	*graph.Graph
	forward    int            // the first so many nodes compute the loss
	boundaries []*graph.Value // the results of the blocks
}

const depth = 4

func newChain(t *testing.T, recompute bool) chain {
	t.Helper()
	var c chain
	c.Graph = build(t, func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, 5*open, 4)
		values := []*graph.Value{x}
		for i := range depth {
			weight := g.Input("weight"+letter(i), graph.Float32, 4, 4)
			values = append(values, weight)
			x = residual(x, weight)
			c.boundaries = append(c.boundaries, x)
		}
		loss := graph.ReduceSum(graph.Mul(x, x), true)
		output(g, "loss", loss)
		c.forward = len(g.Nodes)
		var options Options
		if recompute {
			options.Boundaries = c.boundaries
		}
		for i, gradient := range Gradients(loss, values, options) {
			output(g, "d"+letter(i), gradient)
		}
	})
	return c
}

// residual is a block in the manner of a transformer, on rows [B*5, 4]. The
// rule of its last operator needs the result, which is a boundary.
func residual(x, weight *graph.Value) *graph.Value {
	ones := x.Graph().Floats(graph.Shape{4}, 1, 1, 1, 1)
	items := graph.Reshape(graph.LayerNorm(x, ones, ones, 1e-6), graph.Batch, 5, 4)
	rows := graph.Reshape(graph.MultiHeadAttention(items, items, items, 2), 5*open, 4)
	rows = graph.Gemm(graph.Sigmoid(graph.Gemm(rows, weight, false, true)), weight, false, false)
	return graph.Sigmoid(graph.Add(x, rows))
}

func (c chain) run(t *testing.T) []ort.Tensor {
	t.Helper()
	random := source(7)
	given := []ort.Tensor{ort.Floats(uniform(random, batch*5*4, -1, 1), batch*5, 4)}
	for range depth {
		given = append(given, ort.Floats(uniform(random, 16, -1, 1), 4, 4))
	}
	return run(t, load(t, c.Graph), given)
}

func (c chain) count(op string) int {
	count := 0
	for _, node := range c.Nodes {
		if node.Op == op {
			count++
		}
	}
	return count
}

// kept lists what the forward pass computes after the first boundary and the
// backward pass reads, but for the boundaries and what follows the last but one.
func (c chain) kept() []*graph.Value {
	start := slices.Index(c.Nodes, c.boundaries[0].Producer)
	end := slices.Index(c.Nodes, c.boundaries[depth-1].Producer)
	var list []*graph.Value
	for _, node := range c.Nodes[c.forward:] {
		for _, input := range node.Inputs {
			at := slices.Index(c.Nodes, input.Producer)
			if at > start && at < end && !slices.Contains(c.boundaries, input) {
				list = append(list, input)
			}
		}
	}
	return list
}

// idle lists the nodes that nothing is computed from.
func (c chain) idle() []*graph.Node {
	used := map[*graph.Value]bool{}
	for _, node := range c.Nodes {
		for _, input := range node.Inputs {
			used[input] = true
		}
	}
	for _, output := range c.Outputs {
		used[output] = true
	}
	return slices.DeleteFunc(slices.Clone(c.Nodes), func(node *graph.Node) bool {
		return slices.ContainsFunc(node.Outputs, func(v *graph.Value) bool { return used[v] })
	})
}

// TestBoundariesComputeAgain: what lies between boundaries is computed a second
// time where a rule needs it, and the first result is not kept.
func TestBoundariesComputeAgain(t *testing.T) {
	plain, again := newChain(t, false), newChain(t, true)
	// The first block lies before the first boundary. No rule needs the second
	// product of the others, and their results are kept: of the two Sigmoid of a block
	// only the inner one is computed again.
	for op, more := range map[string]int{"LayerNormalization": 3, "MultiHeadAttention": 3, "Sigmoid": 3, "Gemm": 3} {
		if got, want := again.count(op), plain.count(op)+more; got != want {
			t.Errorf("%d nodes %s with boundaries, want %d", got, op, want)
		}
	}
	if len(plain.kept()) == 0 {
		t.Error("without boundaries nothing is kept: the test sees nothing")
	}
	if kept := again.kept(); len(kept) > 0 {
		t.Errorf("kept between boundaries: %v", kept)
	}
	if idle := again.idle(); len(idle) > 0 {
		t.Errorf("computed for nothing: %+v", idle)
	}
}

// TestBoundariesChangeNoBit: the gradients are the same to the last bit.
func TestBoundariesChangeNoBit(t *testing.T) {
	again := newChain(t, true).run(t)
	for i, plain := range newChain(t, false).run(t) {
		if !slices.Equal(plain.Floats, again[i].Floats) {
			t.Errorf("output %d is %v, with boundaries it is %v", i, plain.Floats, again[i].Floats)
		}
	}
}
