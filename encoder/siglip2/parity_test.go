package siglip2_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/internal/formula"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
)

// reference is a file of testdata/write_reference.py: what Hugging Face
// transformers computes with the formula's weights.
type reference struct {
	Config       json.RawMessage `json:"config"`
	InputIDs     [][]int64       `json:"input_ids"`
	TextPooled   [][]float32     `json:"text_pooled"`
	VisionPooled [][]float32     `json:"vision_pooled"`
	TextStates   [][]float32     `json:"text_states"`   // item 1, first positions
	VisionStates [][]float32     `json:"vision_states"` // item 1, first positions
}

func readReference(t testing.TB, name string) reference {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// checkpoint writes the formula's weights and opens them.
func checkpoint(t testing.TB, config []byte) (siglip2.Config, *safetensors.Index) {
	t.Helper()
	dir := t.TempDir()
	if err := formula.WriteCheckpoint(dir, config); err != nil {
		t.Fatal(err)
	}
	parsed, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, index
}

// session loads a graph whose weights lie in dir.
func session(t testing.TB, g *graph.Graph, dir string) *ort.Session {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := environment.NewSession(
		ort.Model{Graph: g.Encode(), Folder: dir, Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

func ports(values []*graph.Value) []ort.Port {
	var list []ort.Port
	for _, value := range values {
		list = append(list, ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)})
	}
	return list
}

// TestParity compares both towers with Hugging Face transformers, built with
// and without fused operators: embedding, pooled output and last hidden state.
func TestParity(t *testing.T) {
	for _, name := range []string{"base", "odd", "patch14"} {
		t.Run(name, func(t *testing.T) {
			want := readReference(t, name)
			config, index := checkpoint(t, want.Config)
			for _, portable := range []bool{false, true} {
				options := siglip2.Options{Portable: portable, Outputs: []string{"pooler_output"}}
				text, vision := build(t, config, index, options)
				compareTower(t, session(t, text, index.Dir), idsTensor(want.InputIDs), want.TextPooled)
				compareTower(t, session(t, vision, index.Dir), pixels(config, len(want.VisionPooled)), want.VisionPooled)
			}
			options := siglip2.Options{Outputs: []string{"last_hidden_state"}}
			text, vision := build(t, config, index, options)
			compareStates(t, session(t, text, index.Dir), idsTensor(want.InputIDs), config.Text.Length, want.TextStates)
			compareStates(t, session(t, vision, index.Dir), pixels(config, 3), config.Vision.Patches(), want.VisionStates)
		})
	}
}

func build(t testing.TB, config siglip2.Config, index *safetensors.Index, options siglip2.Options) (text, vision *graph.Graph) {
	t.Helper()
	text, err := siglip2.BuildText(config, siglip2.Stored(index), options)
	if err != nil {
		t.Fatal(err)
	}
	vision, err = siglip2.BuildVision(config, siglip2.Stored(index), options)
	if err != nil {
		t.Fatal(err)
	}
	return text, vision
}

func idsTensor(rows [][]int64) ort.Tensor {
	var flat []int64
	for _, row := range rows {
		flat = append(flat, row...)
	}
	return ort.Ints(flat, int64(len(rows)), int64(len(rows[0])))
}

func pixels(config siglip2.Config, count int) ort.Tensor {
	side := int64(config.Vision.Image)
	return ort.Floats(formula.Uniform("pixel_values", count*3*int(side*side), 0, 2), int64(count), 3, side, side)
}

func compareTower(t *testing.T, session *ort.Session, input ort.Tensor, pooled [][]float32) {
	t.Helper()
	results, err := session.Run(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	width := len(pooled[0])
	for i, want := range pooled {
		expectClose(t, results[1].Floats[i*width:][:width], want)
		embedding := results[0].Floats[i*width:][:width]
		expectClose(t, embedding, want)
		if length := norm(embedding); math.Abs(length-1) > 1e-5 {
			t.Errorf("item %d: the embedding has length %v", i, length)
		}
	}
}

func compareStates(t *testing.T, session *ort.Session, input ort.Tensor, tokens int64, want [][]float32) {
	t.Helper()
	results, err := session.Run(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	width := len(want[0])
	for i, row := range want {
		expectClose(t, results[1].Floats[(int(tokens)+i)*width:][:width], row)
	}
}

// expectClose demands cosine >= 0.99999 and, at equal length, a largest
// difference of at most 1e-4 of the largest entry.
func expectClose(t *testing.T, got, want []float32) {
	t.Helper()
	var dot, largest, difference float64
	gotNorm, wantNorm := norm(got), norm(want)
	for i := range want {
		g, w := float64(got[i])/gotNorm, float64(want[i])/wantNorm
		dot += g * w
		largest = max(largest, math.Abs(w))
		difference = max(difference, math.Abs(g-w))
	}
	if !(dot >= 0.99999) || !(difference <= 1e-4*largest) {
		t.Errorf("cosine %.7f, difference %.2e of scale %.2e", dot, difference, largest)
	}
}

func norm(values []float32) float64 {
	var sum float64
	for _, value := range values {
		sum += float64(value) * float64(value)
	}
	return math.Sqrt(sum)
}
