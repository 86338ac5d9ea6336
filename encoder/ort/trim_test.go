package ort_test

import (
	"runtime/debug"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

const layerMB = 4

// layers is a model of fully connected layers whose weights take layerMB each.
func layers(t *testing.T, count int) ort.Model {
	t.Helper()
	const width = 1024
	built, err := graph.Build("layers", func(g *graph.Graph) {
		x := g.Input("x", graph.Float32, graph.Batch, width)
		for layer := range count {
			weight := make([]float32, width*width)
			weight[0] = float32(layer) // equal ones would be kept once
			x = graph.Linear(x, g.Floats(graph.Shape{width, width}, weight...), nil)
		}
		g.Output("y", x)
	})
	if err != nil {
		t.Fatal(err)
	}
	port := func(name string) []ort.Port { return []ort.Port{{Name: name, Shape: []int64{-1, width}}} }
	return ort.Model{Graph: built.Encode(), Inputs: port("x"), Outputs: port("y")}
}

// TestCloseGivesMemoryBack closes models while later ones stay open, as it
// happens when one model takes another's place.
func TestCloseGivesMemoryBack(t *testing.T) {
	const count, rounds = 16, 3
	library, large, small := environment(t), layers(t, count), layers(t, 1)
	before := residentMB(t)
	for range rounds {
		closing, err := library.NewSession(large, ort.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		staying, err := library.NewSession(small, ort.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { staying.Close() })
		if err := closing.Close(); err != nil {
			t.Fatal(err)
		}
	}
	kept := residentMB(t) - before
	if kept > count*layerMB/2 {
		t.Errorf("%d MB more are resident than before models of %d MB were opened and closed", kept, count*layerMB)
	}
}

// residentMB is what this process holds of its own, without what it maps of files.
func residentMB(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	return status(t, "RssAnon") >> 10
}
