package autodiff

import (
	"math"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// TestPieces: what is so large that it is taken apart has the derivatives that
// each item has alone, of three kinds that take turns.
func TestPieces(t *testing.T) {
	const wide, length, width = 1 << 16, 160, 8
	tests := map[string]struct {
		items int64
		item  []int64 // shape of an operand without the items
		count int     // of operands
		apply operator
	}{
		"gelu":           {35, []int64{wide}, 1, ofOne(graph.GeluTanh)},
		"gelu, exact":    {35, []int64{wide}, 1, ofOne(graph.Gelu)},
		"self-attention": {90, []int64{length, width}, 3, func(in []*graph.Value) *graph.Value { return graph.MultiHeadAttention(in[0], in[1], in[2], 2) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var alone [kinds][]ort.Tensor
			for kind := range alone {
				alone[kind] = derivatives(t, 1, kind, test.item, test.count, test.apply)
			}
			many := derivatives(t, test.items, 0, test.item, test.count, test.apply)
			for k := range many {
				size := len(alone[0][k].Floats)
				for item := range int(test.items) {
					if off := furthest(many[k].Floats[item*size:(item+1)*size], alone[item%kinds][k].Floats); !(off <= 1e-5) {
						t.Fatalf("derivative %d of item %d is off by %v", k, item, off)
					}
				}
			}
		})
	}
}

// kinds of items, which take turns in a batch.
const kinds = 3

// derivatives are those with respect to operands of so many items, the first of
// which is of the given kind.
func derivatives(t *testing.T, items int64, first int, item []int64, count int, apply operator) []ort.Tensor {
	t.Helper()
	shape := append([]int64{items}, item...)
	size := int64(1)
	for _, dim := range item {
		size *= dim
	}
	var inputs []ort.Tensor
	for i := range count + 1 {
		var values []float32
		for j := range int(items) {
			values = append(values, uniform(source(uint64(i*kinds+(first+j)%kinds)), size, -2, 2)...)
		}
		inputs = append(inputs, ort.Floats(values, shape...))
	}
	return runOnce(t, inputs, func(g *graph.Graph) { compose(g, shape, count, apply) })
}

// compose differentiates an operator on operands of a shape, which is that of its
// result.
func compose(g *graph.Graph, shape []int64, count int, apply operator) {
	var operands []*graph.Value
	for i := range count {
		operands = append(operands, g.Input(letter(i), graph.Float32, shape...))
	}
	seed := g.Input("seed", graph.Float32, shape...)
	for i, d := range Pullback([]*graph.Value{apply(operands)}, []*graph.Value{seed}, operands, Options{}) {
		g.Output("d"+letter(i), d)
	}
}

// furthest is the largest difference.
func furthest(a, b []float32) (off float64) {
	for i := range a {
		off = max(off, math.Abs(float64(a[i]-b[i])))
	}
	return off
}
