package siglip2_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"polylens/encoder/internal/formula"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// TestNaFlexParity compares pictures of many grids, one at a time and without
// padding, with Hugging Face transformers, which pads them into one batch.
func TestNaFlexParity(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "testdata", "naflex.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		reference
		Grids [][2]int `json:"grids"` // rows, columns
	}
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	config, index := checkpoint(t, want.Config)
	for _, portable := range []bool{false, true} {
		options := siglip2.Options{Portable: portable, Outputs: []string{"pooler_output", siglip2.LastHiddenState}}
		text, vision := build(t, config, index, options)
		compareTower(t, session(t, text, index.Dir), idsTensor(want.InputIDs), want.TextPooled)
		tower := session(t, vision, index.Dir)
		for i, grid := range want.Grids {
			results, err := tower.Run(t.Context(), patchesOf(config, i, grid)...)
			if err != nil {
				t.Fatal(err)
			}
			expectClose(t, results[0].Floats, want.VisionPooled[i])
			expectClose(t, results[1].Floats, want.VisionPooled[i])
			if i == 4 {
				for j, state := range want.VisionStates {
					expectClose(t, results[2].Floats[j*len(state):][:len(state)], state)
				}
			}
		}
	}
}

func patchesOf(config siglip2.Config, picture int, grid [2]int) []ort.Tensor {
	count, values := int64(grid[0]*grid[1]), config.Vision.PatchValues()
	return []ort.Tensor{
		ort.Floats(formula.Uniform(fmt.Sprintf("pixel_values.%d", picture), int(count*values), 0, 2), count, values),
		ort.Floats(siglip2.PositionWeights(config.Vision, grid[0], grid[1]), count, config.Vision.Positions),
	}
}
