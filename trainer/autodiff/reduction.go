package autodiff

import (
	"slices"

	"polylens/encoder/graph"
)

// reduceSum repeats dy along the axes that were summed.
func reduceSum(s *step, dy *graph.Value) { s.give(0, spread(dy, s)) }

// reduceMean: every element has an equal share in the mean. The number of
// elements may depend on the batch, so it is computed as a sum of ones.
func reduceMean(s *step, dy *graph.Value) {
	ones := filled(s.in[0], 1)
	count := graph.ReduceSum(ones, true, reducedAxes(s.in[0].Shape, s.node)...)
	s.give(0, graph.Mul(ones, graph.Div(kept(dy, s), count)))
}

// reduceL2: y = |x|, so dx = dy x / y; zero where y is.
func reduceL2(s *step, dy *graph.Value) {
	norm := graph.Max(s.out, s.number(1e-30))
	s.give(0, graph.Mul(s.in[0], graph.Div(dy, norm)))
}

// spread repeats dy to the shape of the operand.
func spread(dy *graph.Value, s *step) *graph.Value { return graph.Mul(filled(s.in[0], 1), kept(dy, s)) }

// filled repeats one number in the shape of x, whatever the batch.
func filled(x *graph.Value, value float32) *graph.Value {
	g := x.Graph()
	shape := g.Apply(graph.Node{Op: "Shape", Inputs: []*graph.Value{x}},
		graph.Type{DType: graph.Int64, Shape: graph.Shape{int64(len(x.Shape))}})[0]
	return g.Apply(graph.Node{Op: "Expand", Inputs: []*graph.Value{g.Floats(graph.Shape{1}, value), shape}},
		graph.Type{DType: graph.Float32, Shape: x.Shape})[0]
}

// kept gives dy the shape that it would have had with keepdims.
func kept(dy *graph.Value, s *step) *graph.Value {
	shape := slices.Clone(s.in[0].Shape)
	for _, axis := range reducedAxes(shape, s.node) {
		shape[axis] = 1
	}
	return shaped(dy, shape)
}

// reducedAxes are the axes that a reduction removes, read from its constant.
func reducedAxes(shape graph.Shape, node *graph.Node) []int {
	var axes []int
	for _, axis := range constantInts(node.Inputs[1]) {
		axes = append(axes, (int(axis)+len(shape))%len(shape))
	}
	return axes
}
