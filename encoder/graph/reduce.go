package graph

import "slices"

// ReduceSum adds the elements of x along the axes, which stay with size 1 if
// keep is set and vanish otherwise. Without axes it adds all elements.
func ReduceSum(x *Value, keep bool, axes ...int) *Value { return reduce("ReduceSum", x, keep, axes) }

// ReduceMean is the mean of the elements of x along the axes, as ReduceSum
// adds them.
func ReduceMean(x *Value, keep bool, axes ...int) *Value { return reduce("ReduceMean", x, keep, axes) }

func reduce(op string, x *Value, keep bool, axes []int) *Value {
	reduced := make([]bool, len(x.Shape))
	indexes := make([]int64, 0, len(x.Shape))
	for _, axis := range axes {
		reduced[axisOf(op, x.Shape, axis)] = true
	}
	shape := Shape{}
	for i, dim := range x.Shape {
		if len(axes) > 0 && !reduced[i] {
			shape = append(shape, dim)
			continue
		}
		indexes = append(indexes, int64(i))
		if keep {
			shape = append(shape, 1)
		}
	}
	if len(indexes) == 0 {
		return x
	}
	node := Node{Op: op, Inputs: []*Value{x, x.graph.Ints(indexes...)},
		Attributes: []Attribute{{"keepdims", flag(keep)}}}
	return apply(node, Type{x.DType, shape})
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

// Concat joins values along an axis; their other dimensions agree.
func Concat(axis int, values ...*Value) *Value {
	const op = "Concat"
	if len(values) == 0 {
		fail(op, "there is nothing to join")
	}
	index := axisOf(op, values[0].Shape, axis)
	shape := slices.Clone(values[0].Shape)
	for _, value := range values[1:] {
		rest := slices.Clone(value.Shape)
		if len(rest) != len(shape) || value.DType != values[0].DType || (rest[index] < 0) != (shape[index] < 0) {
			fail(op, "%v and %v do not join along axis %d", values[0], value, axis)
		}
		shape[index], rest[index] = shape[index]+rest[index], shape[index]+rest[index]
		if !rest.Equal(shape) {
			fail(op, "%v and %v do not join along axis %d", values[0], value, axis)
		}
	}
	node := Node{Op: op, Inputs: values, Attributes: []Attribute{{"axis", int64(index)}}}
	return apply(node, Type{values[0].DType, shape})
}

// Pad puts zeros around one axis of x, so many before and after.
func Pad(x *Value, axis int, before, after int64) *Value {
	const op = "Pad"
	index := axisOf(op, x.Shape, axis)
	if before < 0 || after < 0 || x.Shape[index] < 0 {
		fail(op, "axis %d of %v cannot be padded by %d and %d", axis, x, before, after)
	}
	if before+after == 0 {
		return x
	}
	pads := make([]int64, 2*len(x.Shape))
	pads[index], pads[len(x.Shape)+index] = before, after
	shape := slices.Clone(x.Shape)
	shape[index] += before + after
	return apply(Node{Op: op, Inputs: []*Value{x, x.graph.Ints(pads...)}}, Type{x.DType, shape})
}

// Zeros is a value of the given static shape without content of its own, so
// that it costs nothing in the model.
func (g *Graph) Zeros(shape Shape) *Value {
	if _, symbolic := shape.Elements(); symbolic > 0 {
		fail("ConstantOfShape", "shape %v is not static", shape)
	}
	return g.Apply(Node{Op: "ConstantOfShape", Inputs: []*Value{g.Ints(shape...)}}, Type{Float32, shape})[0]
}

// ScatterRows adds rows to those of table [V, D] that indices name: int64
// indices [...] and rows [..., D]. It is the transpose of Gather. An index that
// occurs twice adds twice, in order, so the result does not depend on threads.
func ScatterRows(table, indices, rows *Value) *Value {
	const op = "ScatterElements"
	fits := len(table.Shape) == 2 && len(rows.Shape) == len(indices.Shape)+1 &&
		indices.Shape.Equal(rows.Shape[:len(indices.Shape)]) && table.Shape[1] == rows.Shape[len(indices.Shape)]
	if !fits || table.DType != rows.DType || indices.DType != Int64 {
		fail(op, "rows %v at %v do not fit %v", rows, indices, table)
	}
	width := table.Shape[1]
	count, symbolic := indices.Shape.Elements()
	if symbolic > 0 {
		count = -count
	}
	columns := apply(Node{Op: "Expand", Inputs: []*Value{Reshape(indices, count, 1), table.graph.Ints(1, width)}},
		Type{indices.DType, Shape{count, width}})
	node := Node{Op: op, Inputs: []*Value{table, columns, Reshape(rows, count, width)},
		Attributes: []Attribute{{"axis", int64(0)}, {"reduction", "add"}}}
	return apply(node, Type{table.DType, table.Shape})
}
