package ort_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// converter gives x [B, 3] back as each of the element types, and in rows of
// which the model does not say how many there are.
func converter(t testing.TB, input ort.ElementType) ort.Model {
	t.Helper()
	types := []ort.ElementType{ort.Float32, ort.Float16, ort.Int32, ort.Int64}
	model := ort.Model{Inputs: []ort.Port{{Name: "x", Shape: []int64{-1, 3}, Type: input}}}
	built, err := graph.Build("converter", func(g *graph.Graph) {
		x := g.Input("x", graph.DType(input), graph.Batch, 3)
		for _, to := range types {
			y := graph.Cast(x, graph.DType(to))
			if to == input {
				y = graph.Mul(x, graph.Cast(g.Floats(graph.Shape{1}, 1), x.DType))
			}
			g.Output(to.String(), y)
			model.Outputs = append(model.Outputs, ort.Port{Name: to.String(), Shape: []int64{-1, 3}, Type: to})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	model.Graph = built.Encode()
	return model
}

func TestElementTypes(t *testing.T) {
	for _, input := range []ort.ElementType{ort.Float32, ort.Float16, ort.Int32, ort.Int64} {
		t.Run(input.String(), func(t *testing.T) {
			given := ort.Floats([]float32{1, -2, 3, 4, 5, 2047}, 2, 3)
			if input == ort.Int32 || input == ort.Int64 {
				given = ort.Ints([]int64{1, -2, 3, 4, 5, 2047}, 2, 3)
			}
			results := runOnce(t, converter(t, input), given)
			for i, result := range results {
				floats, ints := []float32{1, -2, 3, 4, 5, 2047}, []int64(nil)
				if i >= 2 {
					floats, ints = nil, []int64{1, -2, 3, 4, 5, 2047}
				}
				if !slices.Equal(result.Floats, floats) || !slices.Equal(result.Ints, ints) || !slices.Equal(result.Shape, []int64{2, 3}) {
					t.Errorf("output %d is %v", i, result)
				}
			}
		})
	}
}

func runOnce(t *testing.T, model ort.Model, inputs ...ort.Tensor) []ort.Tensor {
	t.Helper()
	session, err := environment(t).NewSession(model, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	results, err := session.Run(t.Context(), inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// TestOpenShapes leaves the library to say how large an output is.
func TestOpenShapes(t *testing.T) {
	model := converter(t, ort.Float32)
	model.Outputs = slices.Delete(model.Outputs, 1, 2) // float16, which then cannot be received
	for i := range model.Outputs {
		model.Outputs[i].Shape = []int64{-1, -1}
	}
	results := runOnce(t, model, ort.Floats([]float32{1, 2, 3}, 1, 3))
	if !slices.Equal(results[0].Floats, []float32{1, 2, 3}) || !slices.Equal(results[1].Ints, []int64{1, 2, 3}) || !slices.Equal(results[2].Ints, []int64{1, 2, 3}) {
		t.Errorf("outputs of unknown size are %v", results)
	}
}

func TestRunSomeLeavesTheRestEmpty(t *testing.T) {
	session, err := environment(t).NewSession(converter(t, ort.Float32), ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for range 3 { // with memory lent again
		results, err := session.RunSome(t.Context(), []bool{false, true, false, false}, ort.Floats([]float32{1, 2, 3}, 1, 3))
		if err != nil {
			t.Fatal(err)
		}
		for i, result := range results {
			if wanted := i == 1; wanted != (result.Shape != nil) {
				t.Errorf("output %d is %v", i, result)
			}
		}
		if !slices.Equal(results[1].Floats, []float32{1, 2, 3}) {
			t.Errorf("the wanted output is %v", results[1])
		}
	}
	if _, err := session.RunSome(t.Context(), []bool{true}, ort.Floats([]float32{1, 2, 3}, 1, 3)); err == nil {
		t.Error("one entry passes for four outputs")
	}
}

func TestUnsupportedPorts(t *testing.T) {
	open := converter(t, ort.Float32)
	open.Outputs[1].Shape = []int64{-1, -1}
	strange := converter(t, ort.Float32)
	strange.Inputs[0].Type = 11
	for _, test := range []struct {
		model ort.Model
		want  string
	}{{open, "leave it out"}, {strange, "ONNX type 11"}} {
		if _, err := environment(t).NewSession(test.model, ort.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// TestModelByPath loads a file whose weights lie beside it.
func TestModelByPath(t *testing.T) {
	built, err := graph.Build("external", func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, graph.Batch, 3)
		g.Output("y", graph.Mul(x, g.External("two", graph.Float32, graph.Shape{1}, graph.External{Location: "weights", Length: 4})))
	})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string][]byte{"weights": {0, 0, 0, 0x40}, "model.onnx": built.Encode()} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	results := runOnce(t, ort.Model{
		Path:    filepath.Join(folder, "model.onnx"),
		Inputs:  []ort.Port{{Name: "x", Shape: []int64{-1, 3}}},
		Outputs: []ort.Port{{Name: "y", Shape: []int64{-1, 3}}},
	}, ort.Floats([]float32{1, 2, 3}, 1, 3))
	if !slices.Equal(results[0].Floats, []float32{2, 4, 6}) {
		t.Errorf("twice 1, 2, 3 is %v", results[0].Floats)
	}
}

// TestManyRunsKeepMemoryFlat would grow by 50 MB for every tensor of a run
// that is not freed.
func TestManyRunsKeepMemoryFlat(t *testing.T) {
	model := converter(t, ort.Float16)
	session, err := environment(t).NewSession(model, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	const batch, runs = 400, 10_000
	input := ort.Floats(make([]float32, batch*3), batch, 3)
	wanted := []bool{true, false, true, true}
	several := func(times int) {
		for range times {
			if _, err := session.RunSome(t.Context(), wanted, input); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
	}
	several(runs) // as much again, since closing other sessions has given memory back
	before := status(t, "VmRSS")
	several(runs)
	if grown := status(t, "VmRSS") - before; grown > 10_000 {
		t.Errorf("resident memory grew by %d kB in %d runs", grown, runs)
	}
}

// BenchmarkRun is what a run costs beside its computation.
func BenchmarkRun(b *testing.B) {
	session := open(b, 1)
	input := identity(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.Run(b.Context(), input); err != nil {
			b.Fatal(err)
		}
	}
}
