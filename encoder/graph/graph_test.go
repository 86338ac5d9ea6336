package graph_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/internal/needs"
)

// array is a literal operand or expectation.
type array struct {
	shape  []int64
	values []float32
}

func of(shape []int64, values ...float32) array { return array{shape, values} }

// TestOperators runs every operator on literal numbers in ONNX Runtime. The
// first dimension of each operand is the batch.
func TestOperators(t *testing.T) {
	type values = []*graph.Value
	ramp := of([]int64{2, 3}, 1, 2, 3, 4, 5, 6)
	tests := []struct {
		name  string
		apply func(in values) *graph.Value
		in    []array
		want  array
	}{
		{"Add", func(in values) *graph.Value { return graph.Add(in[0], in[1]) }, []array{ramp, ramp}, of([]int64{2, 3}, 2, 4, 6, 8, 10, 12)},
		{"Sub", func(in values) *graph.Value { return graph.Sub(in[0], in[0].Graph().Floats(graph.Shape{3}, 1, 2, 3)) }, []array{ramp}, of([]int64{2, 3}, 0, 0, 0, 3, 3, 3)},
		{"Mul", func(in values) *graph.Value { return graph.Mul(in[0], in[0]) }, []array{ramp}, of([]int64{2, 3}, 1, 4, 9, 16, 25, 36)},
		{"Div", func(in values) *graph.Value { return graph.Div(in[0], in[0].Graph().Floats(graph.Shape{1}, 2)) }, []array{ramp}, of([]int64{2, 3}, .5, 1, 1.5, 2, 2.5, 3)},
		{"Max", func(in values) *graph.Value { return graph.Max(in[0], in[0].Graph().Floats(graph.Shape{}, 4)) }, []array{ramp}, of([]int64{2, 3}, 4, 4, 4, 4, 5, 6)},
		{"Cast", func(in values) *graph.Value {
			return graph.Cast(graph.Cast(in[0], graph.BFloat16), graph.Float32)
		}, []array{of([]int64{1, 2}, 1, 1.001)}, of([]int64{1, 2}, 1, 1)},
		{"MatMul", func(in values) *graph.Value { return graph.MatMul(in[0], in[1]) },
			[]array{of([]int64{1, 1, 2}, 1, 2), of([]int64{1, 2, 2}, 1, 2, 3, 4)}, of([]int64{1, 1, 2}, 7, 10)},
		{"Linear", func(in values) *graph.Value {
			g := in[0].Graph()
			return graph.Linear(in[0], g.Floats(graph.Shape{2, 3}, 1, 0, 0, 1, 1, 1), g.Floats(graph.Shape{2}, 10, 20))
		}, []array{ramp}, of([]int64{2, 2}, 11, 26, 14, 35)},
		{"Linear without bias", func(in values) *graph.Value {
			return graph.Linear(in[0], in[0].Graph().Floats(graph.Shape{1, 3}, 1, 1, 1), nil)
		}, []array{ramp}, of([]int64{2, 1}, 6, 15)},
		{"Reshape", func(in values) *graph.Value { return graph.Reshape(in[0], -3, 1) }, []array{ramp}, of([]int64{6, 1}, 1, 2, 3, 4, 5, 6)},
		{"Transpose", func(in values) *graph.Value { return graph.Transpose(in[0], 1, 0) }, []array{ramp}, of([]int64{3, 2}, 1, 4, 2, 5, 3, 6)},
		{"Slice", func(in values) *graph.Value { return graph.Slice(in[0], -1, 1, 3) }, []array{ramp}, of([]int64{2, 2}, 2, 3, 5, 6)},
		{"Gather", func(in values) *graph.Value {
			g := in[0].Graph()
			return graph.Add(graph.Slice(in[0], 1, 0, 1), graph.Gather(g.Floats(graph.Shape{3, 1}, 10, 20, 30), g.Ints(2)))
		}, []array{ramp}, of([]int64{2, 1}, 31, 34)},
		{"Softmax", func(in values) *graph.Value { return graph.Softmax(in[0]) },
			[]array{of([]int64{1, 2}, 0, float32(math.Log(3)))}, of([]int64{1, 2}, .25, .75)},
		{"LayerNorm", func(in values) *graph.Value {
			g := in[0].Graph()
			return graph.LayerNorm(in[0], g.Floats(graph.Shape{2}, 2, 3), g.Floats(graph.Shape{2}, 0, 1), 1e-12)
		}, []array{of([]int64{1, 2}, 3, 5)}, of([]int64{1, 2}, -2, 4)},
		{"ReduceL2", func(in values) *graph.Value { return graph.ReduceL2(in[0]) }, []array{of([]int64{1, 2}, 3, 4)}, of([]int64{1, 1}, 5)},
		{"Unit", func(in values) *graph.Value { return graph.Unit(in[0]) }, []array{of([]int64{2, 2}, 3, 4, 0, 0)}, of([]int64{2, 2}, .6, .8, 0, 0)},
		{"Gelu", func(in values) *graph.Value { return graph.Gelu(in[0]) }, []array{of([]int64{1, 2}, 1, -2)}, of([]int64{1, 2}, .8413447, -.0455003)},
		{"GeluTanh", func(in values) *graph.Value { return graph.GeluTanh(in[0]) }, []array{of([]int64{1, 2}, 1, -2)}, of([]int64{1, 2}, .8411920, -.0454023)},
		{"Exp", func(in values) *graph.Value { return graph.Exp(in[0]) }, []array{of([]int64{1, 2}, 0, float32(math.Log(3)))}, of([]int64{1, 2}, 1, 3)},
		{"Log", func(in values) *graph.Value { return graph.Log(in[0]) }, []array{of([]int64{1, 2}, 1, math.E)}, of([]int64{1, 2}, 0, 1)},
		{"Sqrt", func(in values) *graph.Value { return graph.Sqrt(in[0]) }, []array{of([]int64{1, 2}, 9, .25)}, of([]int64{1, 2}, 3, .5)},
		{"Erf", func(in values) *graph.Value { return graph.Erf(in[0]) }, []array{of([]int64{1, 2}, 1, -2)}, of([]int64{1, 2}, .8427008, -.9953223)},
		{"Sigmoid", func(in values) *graph.Value { return graph.Sigmoid(in[0]) }, []array{of([]int64{1, 2}, 0, float32(math.Log(3)))}, of([]int64{1, 2}, .5, .75)},
		{"Neg", func(in values) *graph.Value { return graph.Neg(in[0]) }, []array{ramp}, of([]int64{2, 3}, -1, -2, -3, -4, -5, -6)},
		{"Softplus", func(in values) *graph.Value { return graph.Softplus(in[0]) }, []array{of([]int64{1, 3}, 0, 200, -200)}, of([]int64{1, 3}, math.Ln2, 200, 0)},
		{"Greater", func(in values) *graph.Value {
			return graph.Cast(graph.Greater(in[0], in[0].Graph().Floats(graph.Shape{1}, 3)), graph.Float32)
		}, []array{ramp}, of([]int64{2, 3}, 0, 0, 0, 1, 1, 1)},
		{"Equal", func(in values) *graph.Value {
			return graph.Cast(graph.Equal(in[0].Graph().Floats(graph.Shape{3}, 1, 5, 3), in[0]), graph.Float32)
		}, []array{ramp}, of([]int64{2, 3}, 1, 0, 1, 0, 1, 0)},
		{"Where", func(in values) *graph.Value {
			g := in[0].Graph()
			return graph.Where(graph.Greater(in[0], g.Floats(graph.Shape{}, 3)), g.Floats(graph.Shape{3}, 7, 8, 9), in[0])
		}, []array{ramp}, of([]int64{2, 3}, 1, 2, 3, 7, 8, 9)},
		// The matrices are a = [1 2 3; 4 5 6] and b = [1 0; 2 1; 0 3], turned as the flags say.
		{"Gemm", func(in values) *graph.Value {
			return graph.Gemm(in[0], in[0].Graph().Floats(graph.Shape{3, 2}, 1, 0, 2, 1, 0, 3), false, false)
		}, []array{ramp}, of([]int64{2, 2}, 5, 11, 14, 23)},
		{"Gemm, second transposed", func(in values) *graph.Value {
			return graph.Gemm(in[0], in[0].Graph().Floats(graph.Shape{2, 3}, 1, 2, 0, 0, 1, 3), false, true)
		}, []array{ramp}, of([]int64{2, 2}, 5, 11, 14, 23)},
		{"Gemm, first transposed", func(in values) *graph.Value { return graph.Gemm(in[0], in[1], true, false) },
			[]array{of([]int64{3, 2}, 1, 4, 2, 5, 3, 6), of([]int64{3, 2}, 1, 0, 2, 1, 0, 3)}, of([]int64{2, 2}, 5, 11, 14, 23)},
		{"Gemm, both transposed", func(in values) *graph.Value {
			return graph.Gemm(in[0].Graph().Floats(graph.Shape{3, 2}, 1, 4, 2, 5, 3, 6), in[0], true, true)
		}, []array{of([]int64{2, 3}, 1, 2, 0, 0, 1, 3)}, of([]int64{2, 2}, 5, 11, 14, 23)},
		{"FusedMatMul", func(in values) *graph.Value { return graph.FusedMatMul(in[0], in[1], false, false, 10) },
			[]array{of([]int64{1, 1, 2}, 1, 2), of([]int64{1, 2, 2}, 1, 2, 3, 4)}, of([]int64{1, 1, 2}, 70, 100)},
		{"FusedMatMul, second transposed", func(in values) *graph.Value { return graph.FusedMatMul(in[0], in[1], false, true, 1) },
			[]array{of([]int64{1, 1, 2}, 1, 2), of([]int64{1, 2, 2}, 1, 3, 2, 4)}, of([]int64{1, 1, 2}, 7, 10)},
		{"FusedMatMul, first transposed", func(in values) *graph.Value { return graph.FusedMatMul(in[0], in[1], true, false, 1) },
			[]array{of([]int64{2, 2, 1}, 1, 2, 3, 4), of([]int64{2, 2, 1}, 5, 6, 7, 8)}, of([]int64{2, 1, 1}, 17, 53)},
		{"ReduceSum", func(in values) *graph.Value { return graph.ReduceSum(in[0], false, -1) }, []array{ramp}, of([]int64{2}, 6, 15)},
		{"ReduceSum over the batch", func(in values) *graph.Value { return graph.ReduceSum(in[0], true, 0) }, []array{ramp}, of([]int64{1, 3}, 5, 7, 9)},
		{"ReduceSum of everything", func(in values) *graph.Value {
			return graph.Reshape(graph.ReduceSum(in[0], false), 1) // the runtime gives no scalars
		}, []array{ramp}, of([]int64{1}, 21)},
		{"ReduceMean", func(in values) *graph.Value { return graph.ReduceMean(in[0], true, 1) }, []array{ramp}, of([]int64{2, 1}, 2, 5)},
		{"ReduceMean of two axes", func(in values) *graph.Value { return graph.ReduceMean(in[0], false, -1, 0) },
			[]array{of([]int64{1, 2, 2}, 1, 2, 3, 5)}, of([]int64{2}, 1.5, 4)},
		{"ReduceMean of everything", func(in values) *graph.Value { return graph.ReduceMean(in[0], true) }, []array{ramp}, of([]int64{1, 1}, 3.5)},
		{"Concat", func(in values) *graph.Value {
			return graph.Concat(-1, in[0], graph.Slice(in[0], 1, 0, 1))
		}, []array{ramp}, of([]int64{2, 4}, 1, 2, 3, 1, 4, 5, 6, 4)},
		{"Concat of batches", func(in values) *graph.Value { return graph.Concat(0, in[0], in[1]) },
			[]array{ramp, ramp}, of([]int64{4, 3}, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6)},
		{"Pad", func(in values) *graph.Value { return graph.Pad(in[0], -1, 1, 2) }, []array{of([]int64{2, 1}, 5, 6)}, of([]int64{2, 4}, 0, 5, 0, 0, 0, 6, 0, 0)},
		{"Zeros", func(in values) *graph.Value {
			return graph.Add(graph.ReduceSum(in[0], true), in[0].Graph().Zeros(graph.Shape{2, 2}))
		}, []array{ramp}, of([]int64{2, 2}, 21, 21, 21, 21)},
		{"ScatterRows", func(in values) *graph.Value {
			table := in[0].Graph().Floats(graph.Shape{3, 2}, 1, 1, 1, 1, 1, 1)
			return graph.ScatterRows(table, graph.Cast(graph.Reshape(in[1], graph.Batch), graph.Int64), in[0])
		}, []array{of([]int64{3, 2}, 1, 2, 10, 20, 100, 200), of([]int64{3, 1}, 2, 0, 2)}, of([]int64{3, 2}, 11, 21, 1, 1, 102, 203)},
		{"ScatterRows of texts", func(in values) *graph.Value {
			return graph.ScatterRows(in[0].Graph().Zeros(graph.Shape{2, 1}), graph.Cast(in[1], graph.Int64), in[0])
		}, []array{of([]int64{2, 2, 1}, 1, 10, 100, 1000), of([]int64{2, 2}, 1, 1, 0, 1)}, of([]int64{2, 1}, 100, 1011)},
		// Two heads of width one; the scores of the second are 0 and log 3.
		{"MultiHeadAttention", func(in values) *graph.Value { return graph.MultiHeadAttention(in[0], in[1], in[2], 2) },
			[]array{of([]int64{1, 1, 2}, 0, 1), of([]int64{1, 2, 2}, 5, 0, 5, float32(math.Log(3))), of([]int64{1, 2, 2}, 1, 1, 3, 5)}, of([]int64{1, 1, 2}, 2, 4)},
		// The bias log 3 for the second key of the first head, and none of the second's scores.
		{"BiasedAttention", func(in values) *graph.Value {
			bias := in[0].Graph().Floats(graph.Shape{1, 2, 1, 2}, 0, float32(math.Log(3)), 0, -1e4)
			return graph.BiasedAttention(in[0], in[1], in[2], bias, 2)
		}, []array{of([]int64{1, 1, 2}, 0, 1), of([]int64{1, 2, 2}, 5, 0, 5, 9), of([]int64{1, 2, 2}, 1, 1, 3, 5)}, of([]int64{1, 1, 2}, 2.5, 1)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, test.in, test.apply)
			if !slices.Equal(got.Shape, test.want.shape) {
				t.Fatalf("shape %v, want %v", got.Shape, test.want.shape)
			}
			for i, want := range test.want.values {
				if math.Abs(float64(got.Floats[i]-want)) > 1e-5 {
					t.Fatalf("%v, want %v", got.Floats, test.want.values)
				}
			}
		})
	}
}

// run builds a graph of one operator and runs it.
func run(t *testing.T, in []array, apply func([]*graph.Value) *graph.Value) ort.Tensor {
	t.Helper()
	library := needs.ONNXRuntime(t)
	var inputs []ort.Tensor
	model := ort.Model{}
	var result *graph.Value
	g, err := graph.Build(t.Name(), func(g *graph.Graph) {
		var values []*graph.Value
		for i, operand := range in {
			shape := append([]int64{graph.Batch}, operand.shape[1:]...)
			values = append(values, g.Input(string(rune('a'+i)), graph.Float32, shape...))
			inputs = append(inputs, ort.Floats(operand.values, operand.shape...))
			model.Inputs = append(model.Inputs, ort.Port{Name: values[i].Name, Shape: shape})
		}
		result = apply(values)
		g.Output("result", result)
	})
	if err != nil {
		t.Fatal(err)
	}
	model.Graph, model.Outputs = g.Encode(), []ort.Port{{Name: "result", Shape: result.Shape}}
	environment, err := ort.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	session, err := environment.NewSession(model, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	results, err := session.Run(t.Context(), inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if inferred := result.Shape.Concrete(in[0].shape[0]); !slices.Equal(inferred, results[0].Shape) {
		t.Errorf("inferred shape %v, the runtime says %v", inferred, results[0].Shape)
	}
	return results[0]
}

// TestMisfitsAreErrors: what does not fit ends Build with an error that shows
// the shapes.
func TestMisfitsAreErrors(t *testing.T) {
	tests := []struct {
		name  string
		build func(g *graph.Graph, x *graph.Value) // x is [B, 4, 6]
		want  string
	}{
		{"broadcast", func(g *graph.Graph, x *graph.Value) { graph.Add(x, g.Floats(graph.Shape{5}, 1, 2, 3, 4, 5)) }, "[B, 4, 6] and [5]"},
		{"types", func(g *graph.Graph, x *graph.Value) { graph.Add(x, g.Ints(1)) }, "different types"},
		{"matmul", func(g *graph.Graph, x *graph.Value) { graph.MatMul(x, x) }, "cannot multiply"},
		{"linear", func(g *graph.Graph, x *graph.Value) {
			graph.Linear(graph.Reshape(x, -4, 6), g.Floats(graph.Shape{1, 2}, 1, 2), nil)
		}, "[4B, 6]"},
		{"linear bias", func(g *graph.Graph, x *graph.Value) {
			graph.Linear(graph.Reshape(x, -12, 2), g.Floats(graph.Shape{1, 2}, 1, 2), g.Floats(graph.Shape{2}, 1, 2))
		}, "bias"},
		{"reshape", func(g *graph.Graph, x *graph.Value) { graph.Reshape(x, graph.Batch, 5) }, "cannot take shape [B, 5]"},
		{"reshape loses the batch", func(g *graph.Graph, x *graph.Value) { graph.Reshape(x, 24) }, "cannot take shape [24]"},
		{"transpose", func(g *graph.Graph, x *graph.Value) { graph.Transpose(x, 0, 0, 1) }, "no permutation"},
		{"transpose rank", func(g *graph.Graph, x *graph.Value) { graph.Transpose(x, 0) }, "no permutation"},
		{"slice", func(g *graph.Graph, x *graph.Value) { graph.Slice(x, 1, 2, 5) }, "outside axis 1"},
		{"axis", func(g *graph.Graph, x *graph.Value) { graph.Slice(x, 3, 0, 1) }, "axis 3 is outside"},
		{"gather", func(g *graph.Graph, x *graph.Value) { graph.Gather(x, x) }, "cannot look"},
		{"layer norm", func(g *graph.Graph, x *graph.Value) {
			one := g.Floats(graph.Shape{1}, 1)
			graph.LayerNorm(x, one, one, 1e-6)
		}, "do not share a width"},
		{"heads", func(g *graph.Graph, x *graph.Value) { graph.MultiHeadAttention(x, x, x, 5) }, "5 heads do not divide"},
		{"attention", func(g *graph.Graph, x *graph.Value) { graph.MultiHeadAttention(x, graph.Slice(x, 2, 0, 3), x, 2) }, "do not fit"},
		{"bias of attention", func(g *graph.Graph, x *graph.Value) {
			graph.BiasedAttention(x, x, x, g.Zeros(graph.Shape{1, 1, 1, 4}), 2)
		}, "does not fit scores"},
		{"bias of too many heads", func(g *graph.Graph, x *graph.Value) {
			graph.BiasedAttention(x, x, x, g.Zeros(graph.Shape{1, 4, 4, 4}), 2)
		}, "do not broadcast"},
		{"compared types", func(g *graph.Graph, x *graph.Value) { graph.Greater(x, g.Ints(1)) }, "different types"},
		{"choice by numbers", func(g *graph.Graph, x *graph.Value) { graph.Where(x, x, x) }, "cannot choose by"},
		{"choice of types", func(g *graph.Graph, x *graph.Value) { graph.Where(graph.Greater(x, x), x, g.Ints(1)) }, "cannot choose by"},
		{"choice of shapes", func(g *graph.Graph, x *graph.Value) {
			graph.Where(graph.Greater(x, x), x, g.Floats(graph.Shape{2}, 1, 2))
		}, "do not broadcast"},
		{"gemm", func(g *graph.Graph, x *graph.Value) {
			rows := graph.Reshape(x, -4, 6)
			graph.Gemm(rows, g.Zeros(graph.Shape{6, 2}), true, false)
		}, "cannot multiply"},
		{"gemm rank", func(g *graph.Graph, x *graph.Value) { graph.Gemm(x, x, false, true) }, "not both matrices"},
		{"fused matmul", func(g *graph.Graph, x *graph.Value) { graph.FusedMatMul(x, x, false, false, 1) }, "cannot multiply"},
		{"fused matmul broadcasts", func(g *graph.Graph, x *graph.Value) {
			graph.FusedMatMul(x, g.Zeros(graph.Shape{6, 2}), false, false, 1)
		}, "do not fit"},
		{"reduce", func(g *graph.Graph, x *graph.Value) { graph.ReduceSum(x, true, 3) }, "axis 3 is outside"},
		{"concat nothing", func(g *graph.Graph, x *graph.Value) { graph.Concat(0) }, "nothing to join"},
		{"concat", func(g *graph.Graph, x *graph.Value) { graph.Concat(1, x, graph.Slice(x, 2, 0, 3)) }, "do not join along axis 1"},
		{"concat of the batch", func(g *graph.Graph, x *graph.Value) { graph.Concat(0, x, g.Zeros(graph.Shape{1, 4, 6})) }, "do not join along axis 0"},
		{"pad", func(g *graph.Graph, x *graph.Value) { graph.Pad(x, 1, -1, 0) }, "cannot be padded"},
		{"pad the batch", func(g *graph.Graph, x *graph.Value) { graph.Pad(x, 0, 1, 0) }, "cannot be padded"},
		{"zeros for a batch", func(g *graph.Graph, x *graph.Value) { g.Zeros(x.Shape) }, "[B, 4, 6]"},
		{"scatter", func(g *graph.Graph, x *graph.Value) {
			graph.ScatterRows(g.Zeros(graph.Shape{9, 6}), g.Ints(1, 2), x)
		}, "do not fit"},
		{"scatter at fractions", func(g *graph.Graph, x *graph.Value) {
			graph.ScatterRows(g.Zeros(graph.Shape{9, 6}), graph.ReduceSum(x, false, 2), x)
		}, "do not fit"},
		{"constant", func(g *graph.Graph, x *graph.Value) { g.Floats(graph.Shape{2}, 1) }, "do not fill"},
		{"external", func(g *graph.Graph, x *graph.Value) {
			g.External("w", graph.Float32, graph.Shape{2}, graph.External{Location: "f", Length: 4})
		}, "does not fill the 4 bytes of f"},
		{"name twice", func(g *graph.Graph, x *graph.Value) { g.Input("x", graph.Float32) }, "used twice"},
		{"mark twice", func(g *graph.Graph, x *graph.Value) { g.Mark("m", x); g.Mark("m", x) }, "named twice"},
		{"no mark", func(g *graph.Graph, x *graph.Value) { g.MarkOutput("m") }, "no intermediate"},
		{"no output", func(g *graph.Graph, x *graph.Value) {}, "no output"},
		{"another graph", func(g *graph.Graph, x *graph.Value) {
			_, _ = graph.Build("other", func(other *graph.Graph) { graph.Add(x, other.Input("y", graph.Float32, 6)) })
			other := &graph.Value{Name: "stranger", DType: graph.Float32, Shape: x.Shape}
			graph.Add(x, other)
		}, "another graph"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := graph.Build("misfit", func(g *graph.Graph) { test.build(g, g.Input("x", graph.Float32, graph.Batch, 4, 6)) })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

func TestBuildPassesOtherPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a panic that is none of the graph's was swallowed")
		}
	}()
	_, _ = graph.Build("panics", func(*graph.Graph) { panic("a bug") })
}

// TestGraphCanBeWalked: what a differentiator needs is there.
func TestGraphCanBeWalked(t *testing.T) {
	g, err := graph.Build("walk", func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, graph.Batch, 2)
		w := g.External("w", graph.Float32, graph.Shape{3, 2}, graph.External{Location: "f", Offset: 8, Length: 24})
		g.Output("y", g.Mark("hidden", graph.Linear(x, w, nil)))
	})
	if err != nil {
		t.Fatal(err)
	}
	hidden, ok := g.Marked("hidden")
	if !ok || !hidden.Shape.Equal(graph.Shape{graph.Batch, 3}) || !slices.Equal(g.Marks(), []string{"hidden"}) {
		t.Fatalf("hidden is %v among %v", hidden, g.Marks())
	}
	node := hidden.Producer
	if node.Op != "Gemm" || node.Attribute("transB") != int64(1) || node.Attribute("none") != nil || node.Inputs[1].Name != "w" {
		t.Errorf("hidden comes from %+v", node)
	}
	if at := node.Inputs[1].Initializer.External; at.Offset != 8 {
		t.Errorf("w lies at %+v", at)
	}
	var problem *graph.BuildError
	_, err = graph.Build("bad", func(g *graph.Graph) { graph.Fail("here", "no") })
	if !errors.As(err, &problem) || problem.Op != "here" {
		t.Errorf("error %v is no BuildError", err)
	}
}
