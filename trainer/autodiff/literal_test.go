package autodiff

import (
	"maps"
	"slices"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// literal is a gradient worked out by hand: that of the sum of seed * y.
type literal struct {
	rule  string
	in    []operand
	apply operator
	seed  []float32
	want  [][]float32 // for each operand
}

// operand is an input of a graph with what it is given; a batch is of 3.
type operand struct {
	shape  graph.Shape
	values []float32
}

func of(shape graph.Shape, values ...float32) operand { return operand{shape, values} }

func vector(values ...float32) operand { return of(graph.Shape{int64(len(values))}, values...) }

func ofOne(apply func(*graph.Value) *graph.Value) operator {
	return func(in []*graph.Value) *graph.Value { return apply(in[0]) }
}

func ofTwo(apply func(a, b *graph.Value) *graph.Value) operator {
	return func(in []*graph.Value) *graph.Value { return apply(in[0], in[1]) }
}

func identity(x *graph.Value) *graph.Value {
	return x.Graph().Apply(graph.Node{Op: "Identity", Inputs: []*graph.Value{x}}, graph.Type{DType: x.DType, Shape: x.Shape})[0]
}

const log3 = 1.0986123

var literals = []literal{
	{":Identity", []operand{vector(1, 2)}, ofOne(identity), []float32{3, 5}, [][]float32{{3, 5}}},
	{":Add", []operand{vector(1, 2), vector(3, 4)}, ofTwo(graph.Add), []float32{3, 5}, [][]float32{{3, 5}, {3, 5}}},
	{":Sub", []operand{vector(1, 2), vector(3, 4)}, ofTwo(graph.Sub), []float32{3, 5}, [][]float32{{3, 5}, {-3, -5}}},
	{":Mul", []operand{vector(2, 3), vector(5, 7)}, ofTwo(graph.Mul), []float32{1, 10}, [][]float32{{5, 70}, {2, 30}}},
	{":Div", []operand{vector(6, 1), vector(3, 2)}, ofTwo(graph.Div), []float32{9, 4}, [][]float32{{3, 2}, {-6, -1}}},
	// Where both are equal, the first takes it all.
	{":Max", []operand{vector(1, 5, 2), vector(3, 4, 2)}, ofTwo(graph.Max), []float32{1, 10, 100}, [][]float32{{0, 10, 100}, {1, 0, 0}}},
	{":Neg", []operand{vector(1, 2)}, ofOne(graph.Neg), []float32{3, 5}, [][]float32{{-3, -5}}},
	{":Exp", []operand{vector(0, log3)}, ofOne(graph.Exp), []float32{5, 5}, [][]float32{{5, 15}}},
	{":Log", []operand{vector(2, 4)}, ofOne(graph.Log), []float32{1, 2}, [][]float32{{.5, .5}}},
	{":Sqrt", []operand{vector(4, .25)}, ofOne(graph.Sqrt), []float32{4, 4}, [][]float32{{1, 4}}},
	{":Erf", []operand{vector(0, 1)}, ofOne(graph.Erf), []float32{1, 1}, [][]float32{{1.1283792, .4151075}}}, // 2/sqrt(pi), 2/(e sqrt(pi))
	{":Sigmoid", []operand{vector(0, log3)}, ofOne(graph.Sigmoid), []float32{4, 16}, [][]float32{{1, 3}}},    // 1/4, 3/16
	{":Softplus", []operand{vector(0, log3, 200, -200)}, ofOne(graph.Softplus), []float32{1, 1, 1, 1}, [][]float32{{.5, .75, 1, 0}}},
	{":Where", []operand{vector(1, 2), vector(3, 4)}, func(in []*graph.Value) *graph.Value {
		return graph.Where(graph.Greater(in[0], in[0].Graph().Floats(graph.Shape{1}, 1.5)), in[0], in[1])
	}, []float32{3, 5}, [][]float32{{0, 5}, {3, 0}}},
	{":Cast", []operand{vector(1, 2)}, ofOne(func(x *graph.Value) *graph.Value {
		return graph.Cast(graph.Cast(x, graph.BFloat16), graph.Float32)
	}), []float32{3, 1.001}, [][]float32{{3, 1}}}, // the gradient is as coarse as the number
	{":Gelu", []operand{vector(0, 1, -2)}, ofOne(graph.Gelu), []float32{1, 1, 1}, [][]float32{{.5, 1.0833155, -.0852318}}},
	{":Gelu", []operand{vector(0, 1, -2)}, ofOne(graph.GeluTanh), []float32{1, 1, 1}, [][]float32{{.5, 1.0829641, -.0860993}}},
	{":Softmax", []operand{vector(0, log3)}, ofOne(graph.Softmax), []float32{16, 0}, [][]float32{{3, -3}}}, // shares 1/4, 3/4
	{":ReduceSum", []operand{of(graph.Shape{2, 2}, 1, 2, 3, 4)}, ofOne(func(x *graph.Value) *graph.Value {
		return graph.ReduceSum(x, false, 0)
	}), []float32{3, 5}, [][]float32{{3, 5, 3, 5}}},
	{":ReduceMean", []operand{of(graph.Shape{2, 2}, 1, 2, 3, 4)}, ofOne(func(x *graph.Value) *graph.Value {
		return graph.ReduceMean(x, false, 1)
	}), []float32{4, 6}, [][]float32{{2, 2, 3, 3}}},
	{":ReduceL2", []operand{of(graph.Shape{2, 2}, 3, 4, 0, 0)}, ofOne(graph.ReduceL2), []float32{10, 10}, [][]float32{{6, 8, 0, 0}}},
	// Deviation sqrt(2/3); with r its inverse, n is (-r, 0, r), g (2, 0, 0), and
	// dx is r (g - 2/3 + 2/3 r n): r/3, -2r/3, r/3.
	{":LayerNormalization", []operand{vector(4, 5, 6), vector(2, 3, 1), vector(7, 7, 7)}, func(in []*graph.Value) *graph.Value {
		return graph.LayerNorm(in[0], in[1], in[2], 1e-12)
	}, []float32{1, 0, 0}, [][]float32{{.4082483, -.8164966, .4082483}, {-1.2247449, 0, 0}, {1, 0, 0}}},
	{":MatMul", []operand{of(graph.Shape{1, 2}, 1, 2), of(graph.Shape{2, 2}, 1, 2, 3, 4)}, ofTwo(graph.MatMul),
		[]float32{1, 10}, [][]float32{{21, 43}, {1, 10, 2, 20}}},
	{":Gemm", []operand{of(graph.Shape{1, 2}, 1, 2), of(graph.Shape{2, 2}, 1, 2, 3, 4), vector(5, 6)}, func(in []*graph.Value) *graph.Value {
		return graph.Linear(in[0], in[1], in[2])
	}, []float32{1, 10}, [][]float32{{31, 42}, {1, 2, 10, 20}, {1, 10}}},
	{":Reshape", []operand{of(graph.Shape{2, 2}, 1, 2, 3, 4)}, ofOne(func(x *graph.Value) *graph.Value { return graph.Reshape(x, 4, 1) }),
		[]float32{3, 5, 7, 9}, [][]float32{{3, 5, 7, 9}}},
	{":Transpose", []operand{of(graph.Shape{1, 2, 3}, 1, 2, 3, 4, 5, 6)}, ofOne(func(x *graph.Value) *graph.Value { return graph.Transpose(x, 2, 0, 1) }),
		[]float32{1, 2, 3, 4, 5, 6}, [][]float32{{1, 3, 5, 2, 4, 6}}},
	{":Slice", []operand{vector(1, 2, 3, 4)}, ofOne(func(x *graph.Value) *graph.Value { return graph.Slice(x, 0, 1, 3) }), []float32{3, 5}, [][]float32{{0, 3, 5, 0}}},
	{":Concat", []operand{vector(1, 2), vector(3)}, ofTwo(func(a, b *graph.Value) *graph.Value { return graph.Concat(0, a, b) }),
		[]float32{3, 5, 7}, [][]float32{{3, 5}, {7}}},
	{":Pad", []operand{vector(1, 2)}, ofOne(func(x *graph.Value) *graph.Value { return graph.Pad(x, 0, 1, 2) }), []float32{1, 3, 5, 7, 9}, [][]float32{{3, 5}}},
	{":Gather", []operand{of(graph.Shape{3, 2}, 1, 2, 3, 4, 5, 6)}, ofOne(func(x *graph.Value) *graph.Value {
		return graph.Gather(x, x.Graph().Ints(2, 0, 2))
	}), []float32{1, 2, 10, 20, 100, 200}, [][]float32{{10, 20, 0, 0, 101, 202}}},
	// The length of a row of zeros counts as 1e-12, and no NaN comes of it.
	{":ReduceL2", []operand{of(graph.Shape{2, 2}, 3, 4, 0, 0)}, ofOne(graph.Unit), []float32{25, 0, 5, 0}, [][]float32{{3.2, -2.4, 5e12, 0}}},
	// One head for each column; the shares are 1/2, 1/2 and 1/4, 3/4.
	{graph.Microsoft + ":MultiHeadAttention", []operand{
		of(graph.Shape{1, 1, 2}, 0, 1), of(graph.Shape{1, 2, 2}, 5, 0, 5, log3), of(graph.Shape{1, 2, 2}, 1, 1, 3, 5),
	}, func(in []*graph.Value) *graph.Value { return graph.MultiHeadAttention(in[0], in[1], in[2], 2) },
		[]float32{1, 1}, [][]float32{{0, .75 * log3}, {0, -.75, 0, .75}, {.5, .25, .5, .75}}},
}

// TestLiterals compares the rules with gradients worked out by hand.
func TestLiterals(t *testing.T) {
	for _, test := range literals {
		t.Run(test.rule, func(t *testing.T) {
			var given []ort.Tensor
			built := build(t, func(g *graph.Graph) {
				var operands []*graph.Value
				for i, in := range test.in {
					operands = append(operands, g.Input(letter(i), graph.Float32, in.shape...))
					given = append(given, ort.Floats(in.values, in.shape.Concrete(batch)...))
				}
				y := test.apply(operands)
				given = append(given, ort.Floats(test.seed, y.Shape.Concrete(batch)...))
				differentiate(t, test.rule, y, operands)
			})
			results := run(t, load(t, built), given)
			for i, want := range test.want {
				expectEach(t, "gradient of "+letter(i), results[1+i].Floats, want)
			}
		})
	}
}

// expectEach allows the rounding of every number.
func expectEach(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		expectClose(t, what, got[i:i+1], want[i:i+1], 2e-6)
	}
}

// TestEveryRuleIsTested finds rules without a literal or a finite difference.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string][2]bool{}
	for _, test := range literals {
		tested[test.rule] = [2]bool{true, false}
	}
	for _, test := range differences() {
		tested[test.rule] = [2]bool{tested[test.rule][0], true}
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if tested[name] != [2]bool{true, true} {
			t.Errorf("the rule of %s is tested by hand: %t, by finite differences: %t", name, tested[name][0], tested[name][1])
		}
	}
}
