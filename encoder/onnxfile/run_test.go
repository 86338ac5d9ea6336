package onnxfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/onnxfile"
	"polylens/encoder/ort"
	"polylens/internal/needs"
)

// session loads a checked model as Model.Bytes says.
func session(t *testing.T, m *onnxfile.Model, inputs, outputs []ort.Port) *ort.Session {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	session, err := environment.NewSession(ort.Model{Graph: m.Bytes, Folder: m.Dir, Inputs: inputs, Outputs: outputs}, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// TestRunPublished: what was checked runs, in every precision.
func TestRunPublished(t *testing.T) {
	dir := filepath.Join("testdata", "hub")
	for _, suffix := range []string{"", "_fp16", "_quantized"} {
		pair, err := onnxfile.Find(dir, suffix)
		if err != nil {
			t.Fatal(err)
		}
		image, err := pair.Image.Open(onnxfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		pixels := []ort.Port{{Name: pair.Image.Pixels.Name, Shape: []int64{-1, 3, 8, 8}}}
		embedding := []ort.Port{{Name: pair.Image.Embedding.Name, Shape: []int64{-1, pair.Image.Dimension}}}
		results, err := session(t, image, pixels, embedding).Run(t.Context(), ort.Floats(make([]float32, 2*3*8*8), 2, 3, 8, 8))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(results[0].Shape, []int64{2, 8}) || slices.Max(results[0].Floats) == 0 {
			t.Errorf("%q: embeddings %v of shape %v", suffix, results[0].Floats, results[0].Shape)
		}
	}
}

// TestRunDetached: the runtime finds the values of large weights in the file
// itself, wherever they begin.
func TestRunDetached(t *testing.T) {
	const width = 256
	values := make([]float32, width*width)
	for i := range values {
		values[i] = float32(i % 251)
	}
	for _, name := range []string{"x", "xx", "xxx", "xxxx"} { // moves the values by a byte each
		built, err := graph.Build(name, func(g *graph.Graph) {
			x := g.Input("x", graph.Float32, graph.Batch, width)
			g.Output("y", graph.MatMul(x, g.Floats(graph.Shape{width, width}, values...)))
		})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model.onnx")
		content := built.Encode()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		model, err := onnxfile.Open(path, onnxfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(model.Bytes) > len(content)/100 {
			t.Errorf("%d of %d bytes are handed over", len(model.Bytes), len(content))
		}
		one := make([]float32, width)
		one[3] = 1
		ports := func(name string) []ort.Port { return []ort.Port{{Name: name, Shape: []int64{-1, width}}} }
		results, err := session(t, model, ports("x"), ports("y")).Run(t.Context(), ort.Floats(one, 1, width))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(results[0].Floats, values[3*width:4*width]) {
			t.Errorf("%s: row 3 comes out as %v", name, results[0].Floats[:8])
		}
	}
}
