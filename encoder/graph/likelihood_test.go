package graph_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
)

// TestLikelihoodOperators runs the operators on literal numbers. The second
// operand numbers columns.
func TestLikelihoodOperators(t *testing.T) {
	columns := func(x *graph.Value) *graph.Value { return graph.Cast(x, graph.Int64) }
	ramp := of([]int64{2, 3}, 1, 2, 3, 6, 5, 4)
	tests := []struct {
		name  string
		apply func(in []*graph.Value) *graph.Value
		in    []array
		want  array
	}{
		{"ReduceMax", func(in []*graph.Value) *graph.Value { return graph.ReduceMax(in[0]) }, []array{ramp}, of([]int64{2, 1}, 3, 6)},
		{"ReduceMax of three axes", func(in []*graph.Value) *graph.Value { return graph.ReduceMax(in[0]) },
			[]array{of([]int64{1, 2, 2}, -1, -2, 7, 8)}, of([]int64{1, 2, 1}, -1, 8)},
		{"PickColumns", func(in []*graph.Value) *graph.Value { return graph.PickColumns(in[0], columns(in[1])) },
			[]array{ramp, of([]int64{2, 1}, 2, 0)}, of([]int64{2, 1}, 3, 6)},
		{"AddToColumns", func(in []*graph.Value) *graph.Value {
			return graph.AddToColumns(in[0], columns(in[1]), in[2])
		}, []array{ramp, of([]int64{2, 1}, 2, 0), of([]int64{2, 1}, 10, 100)}, of([]int64{2, 3}, 1, 2, 13, 106, 5, 4)},
		{"After", func(in []*graph.Value) *graph.Value { return graph.After(in[0], graph.Exp(in[0]), in[1]) },
			[]array{ramp, of([]int64{2, 1}, float32(math.Inf(1)), 0)}, ramp},
		{"After nothing", func(in []*graph.Value) *graph.Value { return graph.After(in[0]) }, []array{ramp}, ramp},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, test.in, test.apply)
			if !slices.Equal(got.Shape, test.want.shape) || !slices.Equal(got.Floats, test.want.values) {
				t.Errorf("%v %v, want %v %v", got.Shape, got.Floats, test.want.shape, test.want.values)
			}
		})
	}
}

func TestLikelihoodMisfitsAreErrors(t *testing.T) {
	tests := []struct {
		name  string
		build func(g *graph.Graph, x *graph.Value) // x is [B, 6]
		want  string
	}{
		{"maximum of a scalar", func(g *graph.Graph, x *graph.Value) { graph.ReduceMax(g.Floats(graph.Shape{}, 1)) }, "axis -1"},
		{"column that is a fraction", func(g *graph.Graph, x *graph.Value) { graph.PickColumns(x, graph.ReduceMax(x)) }, "names no column"},
		{"columns of other rows", func(g *graph.Graph, x *graph.Value) {
			graph.PickColumns(x, g.IntsOf(graph.Shape{2, 1}, 1, 2))
		}, "names no column"},
		{"several columns", func(g *graph.Graph, x *graph.Value) {
			graph.AddToColumns(x, graph.Cast(x, graph.Int64), x)
		}, "names no column"},
		{"numbers for other rows", func(g *graph.Graph, x *graph.Value) {
			graph.AddToColumns(x, graph.Cast(graph.ReduceMax(x), graph.Int64), g.Floats(graph.Shape{1}, 1))
		}, "cannot be added"},
		{"after a scalar", func(g *graph.Graph, x *graph.Value) { graph.After(x, g.Floats(graph.Shape{}, 1)) }, "axis 0"},
		{"scalar after", func(g *graph.Graph, x *graph.Value) { graph.After(g.Floats(graph.Shape{}, 1), x) }, "none at all"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := graph.Build("misfit", func(g *graph.Graph) {
				x := g.Input("x", graph.Float32, graph.Batch, 6)
				test.build(g, x)
				g.Output("y", x)
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not contain %q", err, test.want)
			}
		})
	}
}
