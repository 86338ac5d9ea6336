package autodiff

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// TestMisuseIsAnError: what cannot be differentiated ends Build.
func TestMisuseIsAnError(t *testing.T) {
	tests := []struct {
		name  string
		build func(x *graph.Value) // x is [B, 2]
		op    string
		want  string
	}{
		{"no scalar", func(x *graph.Value) { Gradients(x, []*graph.Value{x}, Options{}) }, "Gradients", "[B, 2] is not a float32 scalar"},
		{"a column", func(x *graph.Value) { Gradients(graph.ReduceL2(graph.Reshape(x, 1, 2*open)), nil, Options{}) }, "", ""},
		{"a number for each item", func(x *graph.Value) { Gradients(graph.ReduceL2(x), nil, Options{}) }, "Gradients", "[B, 1] is not a float32 scalar"},
		{"integer", func(x *graph.Value) { Gradients(x.Graph().Ints(1), nil, Options{}) }, "Gradients", "int64[1] is not a float32 scalar"},
		{"no rule", func(x *graph.Value) {
			y := x.Graph().Apply(graph.Node{Op: "Abs", Inputs: []*graph.Value{x}}, graph.Type{DType: x.DType, Shape: x.Shape})[0]
			Gradients(graph.ReduceSum(y, false), []*graph.Value{x}, Options{})
		}, "Abs", "no gradient rule"},
		{"no rule where none is needed", func(x *graph.Value) {
			g := x.Graph()
			y := g.Apply(graph.Node{Op: "Abs", Inputs: []*graph.Value{x}}, graph.Type{DType: x.DType, Shape: x.Shape})[0]
			w := g.Input("w", graph.Float32, 2)
			Gradients(graph.ReduceSum(graph.Mul(y, w), false), []*graph.Value{w}, Options{})
		}, "", ""},
		{"seeds", func(x *graph.Value) { Pullback([]*graph.Value{x}, nil, nil, Options{}) }, "Pullback", "1 outputs have 0 derivatives"},
		{"seed", func(x *graph.Value) {
			Pullback([]*graph.Value{x}, []*graph.Value{graph.ReduceL2(x)}, nil, Options{})
		}, "Pullback", "[B, 1] is no derivative with respect to x float32[B, 2]"},
		{"sum so far", func(x *graph.Value) {
			w := x.Graph().Input("w", graph.Float32, 2)
			loss := graph.ReduceSum(graph.Mul(x, w), false)
			Gradients(loss, []*graph.Value{w}, Options{Into: []*graph.Value{x}})
		}, "Pullback", "x float32[B, 2] is no derivative with respect to w float32[2]"},
		{"boundaries", func(x *graph.Value) {
			first := graph.Exp(x)
			second := graph.Exp(first)
			Gradients(graph.ReduceSum(second, false), []*graph.Value{x}, Options{Boundaries: []*graph.Value{second, first}})
		}, "Pullback", "not in the order of the graph"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := graph.Build("misuse", func(g *graph.Graph) {
				x := g.Input("x", graph.Float32, graph.Batch, 2)
				test.build(x)
				g.Output("x again", x)
			})
			var problem *graph.BuildError
			if test.want == "" && err == nil {
				return
			}
			if !errors.As(err, &problem) || problem.Op != test.op || !strings.Contains(problem.Problem, test.want) {
				t.Errorf("error %v does not say that of %s %q", err, test.op, test.want)
			}
		})
	}
}

// TestGradientsOfTheGraph: values that are used twice, on the way, by nothing
// or that are the loss itself.
func TestGradientsOfTheGraph(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		name    string
		compose func(x, y *graph.Value) (loss *graph.Value, values []*graph.Value)
		x, y    []float32
		want    [][]float32
	}{
		{"used twice", func(x, _ *graph.Value) (*graph.Value, []*graph.Value) {
			return graph.Add(graph.Mul(x, x), x), []*graph.Value{x}
		}, []float32{3}, []float32{0}, [][]float32{{7}}},
		{"on the way", func(x, y *graph.Value) (*graph.Value, []*graph.Value) {
			product := graph.Mul(x, y)
			return graph.Mul(product, product), []*graph.Value{product, x, y}
		}, []float32{3}, []float32{5}, [][]float32{{30}, {150}, {90}}},
		{"unused", func(x, y *graph.Value) (*graph.Value, []*graph.Value) {
			graph.Exp(y) // which the loss does not use
			return x, []*graph.Value{y}
		}, []float32{3}, []float32{nan}, [][]float32{{0}}},
		{"the loss", func(x, y *graph.Value) (*graph.Value, []*graph.Value) {
			loss := graph.Mul(x, y)
			return loss, []*graph.Value{loss, x}
		}, []float32{3}, []float32{5}, [][]float32{{1}, {5}}},
		{"asked twice", func(x, y *graph.Value) (*graph.Value, []*graph.Value) {
			return graph.Mul(x, y), []*graph.Value{x, x}
		}, []float32{3}, []float32{5}, [][]float32{{5}, {5}}},
		{"twice over", func(x, _ *graph.Value) (*graph.Value, []*graph.Value) {
			slope := Gradients(graph.Mul(graph.Mul(x, x), x), []*graph.Value{x}, Options{})[0]
			return slope, []*graph.Value{x} // of 3 x^2
		}, []float32{3}, []float32{0}, [][]float32{{18}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			given := []ort.Tensor{ort.Floats(test.x, 1), ort.Floats(test.y, 1)}
			results := runOnce(t, given, func(g *graph.Graph) {
				loss, values := test.compose(g.Input("x", graph.Float32, 1), g.Input("y", graph.Float32, 1))
				for i, gradient := range Gradients(loss, values, Options{}) {
					g.Output("d"+letter(i), gradient)
				}
			})
			for i, want := range test.want {
				if !slices.Equal(results[i].Floats, want) {
					t.Errorf("gradient %d is %v, want %v", i, results[i].Floats, want)
				}
			}
		})
	}
}

// TestPullbackOfSeveralOutputs: their derivatives add up.
func TestPullbackOfSeveralOutputs(t *testing.T) {
	results := runOnce(t, []ort.Tensor{ort.Floats([]float32{3}, 1)}, func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, 1)
		square := graph.Mul(x, x)
		outputs := []*graph.Value{square, graph.Mul(square, x), square}
		seeds := []*graph.Value{g.Floats(graph.Shape{1}, 1), g.Floats(graph.Shape{1}, 10), g.Floats(graph.Shape{1}, 100)}
		g.Output("dx", Pullback(outputs, seeds, []*graph.Value{x}, Options{})[0])
	})
	if want := float32(101*6 + 10*27); results[0].Floats[0] != want {
		t.Errorf("gradient %v, want %v", results[0].Floats, want)
	}
}

// TestIntoAccumulates: parts of a batch, one after the other, give the gradient
// of the whole, for a table whose rows are looked up too.
func TestIntoAccumulates(t *testing.T) {
	compose := func(g *graph.Graph) {
		table, weight := g.Input("table", graph.Float32, 4, 2), g.Input("weight", graph.Float32, 2)
		unused := g.Input("unused", graph.Float32, 2)
		into := []*graph.Value{
			g.Input("table so far", graph.Float32, 4, 2), g.Input("weight so far", graph.Float32, 2), g.Input("unused so far", graph.Float32, 2),
		}
		rows := graph.Gather(table, g.Input("ids", graph.Int64, graph.Batch))
		loss := graph.ReduceSum(graph.Mul(rows, weight), false)
		for i, gradient := range Gradients(loss, []*graph.Value{table, weight, unused}, Options{Into: into}) {
			g.Output("d"+letter(i), gradient)
		}
	}
	session := load(t, build(t, compose))
	given := []ort.Tensor{
		ort.Floats([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 4, 2), ort.Floats([]float32{10, 100}, 2), ort.Floats([]float32{1, 1}, 2),
		ort.Floats(make([]float32, 8), 4, 2), ort.Floats(make([]float32, 2), 2), ort.Floats([]float32{5, 6}, 2),
	}
	for _, ids := range [][]int64{{3, 0, 3}, {0}} {
		copy(given[3:], run(t, session, append(slices.Clone(given), ort.Ints(ids, int64(len(ids))))))
	}
	want := [][]float32{{20, 200, 0, 0, 0, 0, 20, 200}, {16, 20}, {5, 6}}
	for i, want := range want {
		if got := given[3+i].Floats; !slices.Equal(got, want) {
			t.Errorf("sum %d is %v, want %v", i, got, want)
		}
	}
}

// TestCustom gives the square of x a derivative of its own, 7 for each x, between
// operators that have rules: with it computed once more, and without.
func TestCustom(t *testing.T) {
	for name, recompute := range map[string]bool{"kept": false, "computed once more": true} {
		t.Run(name, func(t *testing.T) {
			var boundaries []*graph.Value
			given := []float32{0.1, -0.3}
			outputs := runOnce(t, []ort.Tensor{ort.Floats(given, 2)}, func(g *graph.Graph) {
				x := g.Input("x", graph.Float32, 2)
				double := graph.Add(x, x)
				square := graph.Mul(double, double)
				last := graph.Exp(graph.Neg(square))
				if recompute {
					boundaries = []*graph.Value{double, last}
				}
				custom := Custom{Output: square, Inputs: []*graph.Value{double, g.Floats(graph.Shape{2}, 1, 1)}, Pullback: func(in []*graph.Value, d *graph.Value) []*graph.Value {
					return []*graph.Value{graph.Mul(d, g.Floats(graph.Shape{}, 7)), in[1]}
				}}
				loss := graph.ReduceSum(last, false)
				g.Output("dx", Gradients(loss, []*graph.Value{x}, Options{Boundaries: boundaries, Customs: []Custom{custom}})[0])
			})
			want := make([]float32, len(given))
			for i, x := range given {
				want[i] = float32(-2 * 7 * math.Exp(float64(-4*x*x)))
			}
			expectClose(t, "dx", outputs[0].Floats, want, 1e-5)
		})
	}
}
