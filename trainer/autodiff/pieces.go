package autodiff

import "polylens/encoder/graph"

// piece is how many numbers a chain of elementwise operators works on at a time:
// the next one finds them in the processor's cache.
const piece = 1 << 20

// pieces divides the rows of a large value: [first, one past the last] of each. There
// are none where the value is small or its size is open.
func pieces(shape graph.Shape) [][2]int64 {
	elements, symbolic := shape.Elements()
	if symbolic > 0 || elements < 2*piece || shape[0] < 2 {
		return nil
	}
	rows := max(1, piece/(elements/shape[0]))
	var list [][2]int64
	for start := int64(0); start < shape[0]; start += rows {
		list = append(list, [2]int64{start, min(start+rows, shape[0])})
	}
	return list
}

// cutter takes its part out of a value, along the first axis.
type cutter func(x *graph.Value) *graph.Value

// inPieces gives what compute gives. compute must work on each item of the first axis
// by itself: where values of the given shape are large it is called piece by piece,
// and the results are joined. A nil result stays nil.
func inPieces(shape graph.Shape, compute func(cut cutter) []*graph.Value) []*graph.Value {
	parts := pieces(shape)
	if len(parts) == 0 {
		return compute(func(x *graph.Value) *graph.Value { return x })
	}
	var found [][]*graph.Value // of each result, its pieces
	for _, rows := range parts {
		results := compute(func(x *graph.Value) *graph.Value { return graph.Slice(x, 0, rows[0], rows[1]) })
		if found == nil {
			found = make([][]*graph.Value, len(results))
		}
		for i, result := range results {
			found[i] = append(found[i], result)
		}
	}
	return joined(found)
}

func joined(found [][]*graph.Value) []*graph.Value {
	whole := make([]*graph.Value, len(found))
	for i, pieces := range found {
		if pieces[0] != nil {
			whole[i] = graph.Concat(0, pieces...)
		}
	}
	return whole
}
