package autodiff

import (
	"math"
	"slices"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// TestPieces: what is so large that it is taken apart has the derivatives that
// each item has alone. All items are equal.
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
			alone := derivatives(t, 1, test.item, test.count, test.apply)
			many := derivatives(t, test.items, test.item, test.count, test.apply)
			for k := range many {
				size := len(alone[k].Floats)
				for item := range int(test.items) {
					if off := furthest(many[k].Floats[item*size:(item+1)*size], alone[k].Floats); !(off <= 1e-5) {
						t.Fatalf("derivative %d of item %d is off by %v", k, item, off)
					}
				}
			}
		})
	}
}

// derivatives are those with respect to operands that repeat an item.
func derivatives(t *testing.T, items int64, item []int64, count int, apply operator) []ort.Tensor {
	t.Helper()
	shape := append([]int64{items}, item...)
	size := int64(1)
	for _, dim := range item {
		size *= dim
	}
	var inputs []ort.Tensor
	for i := range count + 1 {
		inputs = append(inputs, ort.Floats(slices.Repeat(uniform(source(uint64(i)), size, -2, 2), int(items)), shape...))
	}
	return runOnce(t, inputs, func(g *graph.Graph) {
		var operands []*graph.Value
		for i := range count {
			operands = append(operands, g.Input(letter(i), graph.Float32, shape...))
		}
		seed := g.Input("seed", graph.Float32, shape...)
		for i, d := range Pullback([]*graph.Value{apply(operands)}, []*graph.Value{seed}, operands, Options{}) {
			g.Output("d"+letter(i), d)
		}
	})
}

// furthest is the largest difference.
func furthest(a, b []float32) (off float64) {
	for i := range a {
		off = max(off, math.Abs(float64(a[i]-b[i])))
	}
	return off
}
