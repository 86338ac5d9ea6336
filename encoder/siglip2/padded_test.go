package siglip2_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/internal/formula"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// padded is a batch of pictures of native aspect ratio.
type padded struct {
	config siglip2.Config
	index  *safetensors.Index
	grids  []siglip2.Grid
	pooled [][]float32 // what transformers make of it
}

func readPadded(t *testing.T) padded {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", "naflex.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		reference
		Grids [][2]int `json:"grids"`
	}
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	p := padded{pooled: want.VisionPooled}
	p.config, p.index = checkpoint(t, want.Config)
	for _, grid := range want.Grids {
		p.grids = append(p.grids, siglip2.Grid{Rows: grid[0], Columns: grid[1]})
	}
	return p
}

// build composes the tower for so many patches of each picture, from below and
// from above the given block where there is one.
func (p padded) build(t *testing.T, patches, block int64, options siglip2.Options) *ort.Session {
	t.Helper()
	g, err := graph.Build("padded", func(g *graph.Graph) {
		b, vision := int64(len(p.grids)), p.config.Vision
		picture := siglip2.Picture{
			Pixels:    g.Input("pixels", graph.Float32, b*patches, vision.PatchValues()),
			Positions: g.Input("positions", graph.Float32, b*patches, vision.Positions),
			Mask:      g.Input("mask", graph.Float32, b, patches),
		}
		weights := siglip2.Stored(p.index)
		if block == 0 {
			g.Output("vectors", siglip2.Vision(p.config, weights, options, picture))
			return
		}
		rows := siglip2.VisionBelow(p.config, weights, options, picture, block)
		g.Output("vectors", siglip2.PaddedFrom(p.config, weights, options, rows, picture.Mask, block))
	})
	if err != nil {
		t.Fatal(err)
	}
	return session(t, g, p.index.Dir)
}

// tensors are the inputs, where padding has pixels of the given value.
func (p padded) tensors(padding float32) []ort.Tensor {
	b, longest, values := int64(len(p.grids)), siglip2.Longest(p.grids), int(p.config.Vision.PatchValues())
	pixels := make([]float32, len(p.grids)*longest*values)
	for i := range pixels {
		pixels[i] = padding
	}
	for i, grid := range p.grids {
		copy(pixels[i*longest*values:], formula.Uniform(fmt.Sprintf("pixel_values.%d", i), grid.Patches()*values, 0, 2))
	}
	mask, positions := siglip2.Padding(p.config.Vision, p.grids)
	rows := b * int64(longest)
	return []ort.Tensor{
		ort.Floats(pixels, rows, int64(values)), ort.Floats(positions, rows, p.config.Vision.Positions), ort.Floats(mask, b, int64(longest)),
	}
}

// TestPadded compares a batch of many grids with transformers, whatever padding
// looks like.
func TestPadded(t *testing.T) {
	p := readPadded(t)
	for name, patches := range map[string]int64{"numbered": int64(siglip2.Longest(p.grids)), "open": graph.Batch} {
		for _, portable := range []bool{false, true} {
			for _, block := range []int64{0, 1} {
				t.Run(fmt.Sprintf("%s, portable %t, cut at %d", name, portable, block), func(t *testing.T) {
					tower := p.build(t, patches, block, siglip2.Options{Portable: portable})
					for _, padding := range []float32{0, 3} {
						results, err := tower.Run(t.Context(), p.tensors(padding)...)
						if err != nil {
							t.Fatal(err)
						}
						width := len(p.pooled[0])
						for i, want := range p.pooled {
							expectClose(t, results[0].Floats[i*width:][:width], want)
						}
					}
				})
			}
		}
	}
}

// TestPaddedAsAlone demands that padding changes no vector.
func TestPaddedAsAlone(t *testing.T) {
	p := readPadded(t)
	together, err := p.build(t, graph.Batch, 0, siglip2.Options{}).Run(t.Context(), p.tensors(0)...)
	if err != nil {
		t.Fatal(err)
	}
	_, vision := build(t, p.config, p.index, siglip2.Options{})
	single, width := session(t, vision, p.index.Dir), p.config.Dimension()
	for i, grid := range p.grids {
		alone, err := single.Run(t.Context(), patchesOf(p.config, i, [2]int{grid.Rows, grid.Columns})...)
		if err != nil {
			t.Fatal(err)
		}
		for j, want := range alone[0].Floats {
			if got := together[0].Floats[i*width+j]; !(math.Abs(float64(got-want)) < 2e-6) {
				t.Fatalf("grid %v: %v in a batch, %v alone", grid, got, want)
			}
		}
	}
}
