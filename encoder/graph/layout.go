package graph

import "slices"

// Reshape gives x another shape of as many elements. At most one dimension may
// be symbolic.
func Reshape(x *Value, shape ...int64) *Value {
	fromCount, fromPower := x.Shape.Elements()
	toCount, toPower := Shape(shape).Elements()
	if fromCount != toCount || fromPower != toPower || toPower > 1 {
		fail("Reshape", "%v cannot take shape %v", x, Shape(shape))
	}
	target := slices.Clone(shape)
	for i, dim := range target {
		target[i] = max(dim, -1)
	}
	node := Node{Op: "Reshape", Inputs: []*Value{x, x.graph.Ints(target...)}}
	return apply(node, Type{x.DType, append(Shape{}, shape...)})
}

// Transpose reorders dimensions: result dimension i is x's permutation[i].
func Transpose(x *Value, permutation ...int64) *Value {
	shape := make(Shape, len(permutation))
	seen := make([]bool, len(x.Shape))
	for i, axis := range permutation {
		if len(permutation) != len(x.Shape) || axis < 0 || axis >= int64(len(seen)) || seen[axis] {
			fail("Transpose", "%v is no permutation of the axes of %v", permutation, x)
		}
		seen[axis] = true
		shape[i] = x.Shape[axis]
	}
	node := Node{Op: "Transpose", Inputs: []*Value{x}, Attributes: []Attribute{{"perm", permutation}}}
	return apply(node, Type{x.DType, shape})
}

// Slice keeps the indices from start up to but not including end of one axis.
func Slice(x *Value, axis int, start, end int64) *Value {
	index := axisOf("Slice", x.Shape, axis)
	if start < 0 || end <= start || end > x.Shape[index] {
		fail("Slice", "%d..%d is outside axis %d of %v", start, end, axis, x)
	}
	if start == 0 && end == x.Shape[index] {
		return x
	}
	shape := slices.Clone(x.Shape)
	shape[index] = end - start
	g := x.graph
	node := Node{Op: "Slice", Inputs: []*Value{x, g.Ints(start), g.Ints(end), g.Ints(int64(index))}}
	return apply(node, Type{x.DType, shape})
}

// Gather looks rows of table [V, ...] up: the result has the shape of indices
// followed by that of a row.
func Gather(table, indices *Value) *Value {
	if len(table.Shape) == 0 || (indices.DType != Int64 && indices.DType != Int32) {
		fail("Gather", "cannot look %v up in %v", indices, table)
	}
	shape := append(slices.Clone(indices.Shape), table.Shape[1:]...)
	return apply(Node{Op: "Gather", Inputs: []*Value{table, indices}}, Type{table.DType, shape})
}
