package graph

import "slices"

// Softmax normalizes exp(x) over the last axis.
func Softmax(x *Value) *Value {
	node := Node{Op: "Softmax", Inputs: []*Value{x}, Attributes: []Attribute{{"axis", int64(-1)}}}
	return apply(node, Type{x.DType, x.Shape})
}

// LayerNorm normalizes the last axis of x [..., D] to mean 0 and variance 1, then
// scales and shifts it by scale [D] and bias [D].
func LayerNorm(x, scale, bias *Value, epsilon float32) *Value {
	const op = "LayerNormalization"
	width := Shape{dimFromRight(x.Shape, 0)}
	if len(x.Shape) == 0 || !scale.Shape.Equal(width) || !bias.Shape.Equal(width) {
		fail(op, "%v, %v and %v do not share a width", x, scale, bias)
	}
	node := Node{Op: op, Inputs: []*Value{x, scale, bias},
		Attributes: []Attribute{{"axis", int64(-1)}, {"epsilon", epsilon}}}
	return apply(node, Type{x.DType, x.Shape})
}

// ReduceL2 is the Euclidean norm over the last axis, kept as size 1.
func ReduceL2(x *Value) *Value {
	axisOf("ReduceL2", x.Shape, -1)
	shape := slices.Clone(x.Shape)
	shape[len(shape)-1] = 1
	node := Node{Op: "ReduceL2", Inputs: []*Value{x, x.graph.Ints(-1)}, Attributes: []Attribute{{"keepdims", int64(1)}}}
	return apply(node, Type{x.DType, shape})
}

// Unit divides every row of x [..., D] by its Euclidean norm. A row of zeros
// stays zero instead of becoming NaN.
func Unit(x *Value) *Value {
	const tiny = 1e-12 // as torch.nn.functional.normalize
	norm := Max(ReduceL2(x), x.graph.Floats(Shape{1}, tiny))
	return Div(x, norm)
}
