package autodiff

import (
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// BenchmarkPieces differentiates what a batch of 16 pictures of B/16-224 gives,
// in pieces and whole: an open number of items is not taken apart.
func BenchmarkPieces(b *testing.B) {
	for _, test := range []struct {
		name  string
		items int64
		item  []int64
		count int
		apply operator
	}{
		{"GELU", 3136, []int64{3072}, 1, ofOne(graph.GeluTanh)},
		{"attention", 16, []int64{196, 768}, 3, func(in []*graph.Value) *graph.Value { return graph.MultiHeadAttention(in[0], in[1], in[2], 12) }},
	} {
		for way, first := range map[string]int64{"whole": graph.Batch, "pieces": test.items} {
			b.Run(test.name+"/"+way, func(b *testing.B) {
				g := build(b, func(g *graph.Graph) { compose(g, append([]int64{first}, test.item...), test.count, test.apply) })
				session := load(b, g)
				shape := append([]int64{test.items}, test.item...)
				size, _ := graph.Shape(shape).Elements()
				var inputs []ort.Tensor
				for i := range test.count + 1 {
					inputs = append(inputs, ort.Floats(uniform(source(uint64(i)), size, -2, 2), shape...))
				}
				for b.Loop() {
					run(b, session, inputs)
				}
			})
		}
	}
}
