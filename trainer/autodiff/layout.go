package autodiff

import (
	"encoding/binary"
	"slices"

	"polylens/encoder/graph"
)

// transpose is undone by the inverse permutation.
func transpose(s *step, dy *graph.Value) {
	permutation := s.node.Attribute("perm").([]int64)
	inverse := make([]int64, len(permutation))
	for to, from := range permutation {
		inverse[from] = int64(to)
	}
	s.give(0, graph.Transpose(dy, inverse...))
}

// slice puts zeros where the operand was cut off.
func slice(s *step, dy *graph.Value) {
	start, axis := constantInts(s.node.Inputs[1])[0], int(constantInts(s.node.Inputs[3])[0])
	s.give(0, graph.Pad(dy, axis, start, s.in[0].Shape[axis]-start-dy.Shape[axis]))
}

// pad cuts the zeros off.
func pad(s *step, dy *graph.Value) {
	pads, rank := constantInts(s.node.Inputs[1]), len(dy.Shape)
	axis := slices.IndexFunc(pads, func(n int64) bool { return n > 0 }) % rank
	s.give(0, graph.Slice(dy, axis, pads[axis], pads[axis]+s.in[0].Shape[axis]))
}

// concat gives each operand its part.
func concat(s *step, dy *graph.Value) {
	axis := int(s.node.Attribute("axis").(int64))
	start := int64(0)
	for operand, value := range s.in {
		end := start + value.Shape[axis]
		if s.wants(operand) {
			s.give(operand, graph.Slice(dy, axis, start, end))
		}
		start = end
	}
}

// gather adds each row of dy to the row of the table that it was taken from.
func gather(s *step, dy *graph.Value) {
	table, indices := s.node.Inputs[0], graph.Cast(s.in[1], graph.Int64)
	sum, ok := s.sums[table]
	if !ok {
		sum = zeros(table)
	}
	width, _ := table.Shape[1:].Elements()
	rows := shaped(dy, append(slices.Clone(indices.Shape), width))
	sum = graph.ScatterRows(shaped(sum, graph.Shape{table.Shape[0], width}), indices, rows)
	s.sums[table] = shaped(sum, table.Shape)
}

// zeros has the shape of x.
func zeros(x *graph.Value) *graph.Value {
	if _, symbolic := x.Shape.Elements(); symbolic > 0 {
		return filled(x, 0)
	}
	return x.Graph().Zeros(x.Shape)
}

// shaped reshapes x, unless it has the shape.
func shaped(x *graph.Value, shape graph.Shape) *graph.Value {
	if x.Shape.Equal(shape) {
		return x
	}
	return graph.Reshape(x, shape...)
}

// constantInts reads an operand that the graph declares as a constant.
func constantInts(value *graph.Value) []int64 {
	raw := value.Initializer.Raw
	values := make([]int64, len(raw)/8)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return values
}
