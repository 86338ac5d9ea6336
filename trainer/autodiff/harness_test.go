package autodiff

import (
	"math"
	"math/rand/v2"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/internal/needs"
)

// operator composes what a test differentiates.
type operator func(in []*graph.Value) *graph.Value

// batch is what the tests take graph.Batch for.
const batch = 3

// letter is the name of an operand.
func letter(i int) string { return string(rune('a' + i)) }

// differentiate makes y an output, and the gradient of the sum of seed * y with
// respect to each operand; the seed is the last input.
func differentiate(t *testing.T, rule string, y *graph.Value, operands []*graph.Value) {
	t.Helper()
	g := y.Graph()
	if !contains(g.Nodes, rule) {
		t.Errorf("the test is not about %s", rule)
	}
	seed := g.Input("seed", graph.Float32, y.Shape...)
	output(g, "y", y)
	for i, gradient := range Pullback([]*graph.Value{y}, []*graph.Value{seed}, operands, Options{}) {
		if !gradient.Shape.Equal(operands[i].Shape) {
			t.Errorf("%v has a gradient of shape %v", operands[i], gradient.Shape)
		}
		g.Output("d"+letter(i), gradient)
	}
}

// uniform draws numbers from low up to high.
func uniform(random *rand.Rand, count int64, low, high float32) []float32 {
	values := make([]float32, count)
	for i := range values {
		values[i] = low + (high-low)*random.Float32()
	}
	return values
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func build(t testing.TB, compose func(*graph.Graph)) *graph.Graph {
	t.Helper()
	built, err := graph.Build(t.Name(), compose)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// load opens a graph in ONNX Runtime.
func load(t testing.TB, g *graph.Graph) *ort.Session {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	model := ort.Model{Graph: g.Encode(), Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}
	session, err := environment.NewSession(model, ort.Options{Threads: 1, Literal: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func ports(values []*graph.Value) []ort.Port {
	var list []ort.Port
	for _, value := range values {
		list = append(list, ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)})
	}
	return list
}

func run(t testing.TB, session *ort.Session, inputs []ort.Tensor) []ort.Tensor {
	t.Helper()
	outputs, err := session.Run(t.Context(), inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}

// runOnce builds a graph and runs it.
func runOnce(t *testing.T, inputs []ort.Tensor, compose func(*graph.Graph)) []ort.Tensor {
	t.Helper()
	return run(t, load(t, build(t, compose)), inputs)
}

// output declares an output; the runtime gives no scalars, so they become [1].
func output(g *graph.Graph, name string, value *graph.Value) {
	if len(value.Shape) == 0 {
		value = graph.Reshape(value, 1)
	}
	g.Output(name, value)
}

// contains reports whether a graph has a node that the named rule is for.
func contains(nodes []*graph.Node, name string) bool {
	for _, node := range nodes {
		if node.Domain+":"+node.Op == name {
			return true
		}
	}
	return false
}

// expectClose allows an error relative to the largest number wanted.
func expectClose(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	largest := 0.0
	for _, value := range want {
		largest = max(largest, math.Abs(float64(value)))
	}
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance*max(largest, 1e-2)) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}
