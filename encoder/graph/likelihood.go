package graph

import "slices"

// ReduceMax is the largest element over the last axis, kept as size 1.
func ReduceMax(x *Value) *Value {
	axisOf("ReduceMax", x.Shape, -1)
	shape := slices.Clone(x.Shape)
	shape[len(shape)-1] = 1
	node := Node{Op: "ReduceMax", Inputs: []*Value{x, x.graph.Ints(-1)}, Attributes: []Attribute{{"keepdims", int64(1)}}}
	return apply(node, Type{x.DType, shape})
}

// PickColumns takes one element of each row of x [M, N]: that in the column
// which columns, int64 [M, 1], names. The result is [M, 1].
func PickColumns(x, columns *Value) *Value {
	const op = "GatherElements"
	checkColumns(op, x, columns)
	node := Node{Op: op, Inputs: []*Value{x, columns}, Attributes: []Attribute{{"axis", int64(1)}}}
	return apply(node, Type{x.DType, columns.Shape})
}

// AddToColumns adds a number, of values [M, 1], to one element of each row of
// x [M, N]: that in the column which columns, int64 [M, 1], names.
func AddToColumns(x, columns, values *Value) *Value {
	const op = "ScatterElements"
	checkColumns(op, x, columns)
	if !values.Shape.Equal(columns.Shape) || values.DType != x.DType {
		fail(op, "%v cannot be added to the columns %v of %v", values, columns, x)
	}
	node := Node{Op: op, Inputs: []*Value{x, columns, values},
		Attributes: []Attribute{{"axis", int64(1)}, {"reduction", "add"}}}
	return apply(node, Type{x.DType, x.Shape})
}

func checkColumns(op string, x, columns *Value) {
	if len(x.Shape) != 2 || columns.DType != Int64 || !columns.Shape.Equal(Shape{x.Shape[0], 1}) {
		fail(op, "%v names no column of each row of %v", columns, x)
	}
}

// After is x, computed after the others. The runtime runs nodes as it finds them on
// its way back from the outputs; what is large and has several uses stays in memory
// until the last of them, so these should follow one another. It moves nothing: it is
// a Reshape to the shape that x has, plus nothing times the sizes of the others.
func After(x *Value, others ...*Value) *Value {
	g := x.graph
	target := slices.Clone(x.Shape)
	for i, dim := range target {
		target[i] = max(dim, -1)
	}
	if _, symbolic := x.Shape.Elements(); symbolic > 1 || len(target) == 0 {
		fail("After", "%v has several open dimensions, or none at all", x)
	}
	shape := g.Ints(target...)
	for _, other := range others {
		axisOf("After", other.Shape, 0)
		size := apply(Node{Op: "Shape", Inputs: []*Value{other}, Attributes: []Attribute{{"start", int64(0)}, {"end", int64(1)}}},
			Type{Int64, Shape{1}})
		shape = Add(shape, Mul(size, g.Ints(0)))
	}
	return apply(Node{Op: "Reshape", Inputs: []*Value{x, shape}}, Type{x.DType, x.Shape})
}
