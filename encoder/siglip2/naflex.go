package siglip2

import "polylens/encoder/graph"

// PaddedFrom is VisionFrom for a model of native aspect ratio: rows [B*S, D]
// of pictures that are padded, and the mask [B, S] of a Picture.
func PaddedFrom(config Config, parameters Parameters, options Options, rows, mask *graph.Value, block int64) *graph.Value {
	t := newTower(config.Vision.Tower, visionTower, rows.Graph(), parameters, options)
	t.pad(mask)
	return t.vision(rows, block)
}

// unseen is what is added to the score of a patch that is padding. No score of a real
// patch comes near it, so the share of padding is zero in any type.
const unseen = -1e4

// pad prepares the tower for pictures that are padded.
func (t *tower) pad(mask *graph.Value) {
	t.batch = mask.Shape[0]
	number := func(value float32) *graph.Value { return t.graph.Floats(graph.Shape{1}, value) }
	t.padding = graph.Mul(graph.Sub(number(1), mask), number(unseen))
	patches := mask.Shape[1]
	t.bias = graph.Reshape(t.padding, t.batch, 1, 1, patches)
	if !t.options.Portable { // the runtime's operator wants a row for each query
		column := graph.Reshape(t.padding, t.batch, 1, patches, 1)
		t.bias = graph.Add(t.bias, graph.Sub(column, column))
	}
}

// hide adds to scores [B, H, N] what keeps padding from being attended to.
func (t *tower) hide(scores *graph.Value) *graph.Value {
	if t.padding == nil {
		return scores
	}
	return graph.Add(scores, graph.Reshape(t.padding, t.batch, 1, t.padding.Shape[1]))
}

// Grid is how many patches a picture of native aspect ratio is cut into.
type Grid struct{ Rows, Columns int }

// Patches is the number of patches in all.
func (g Grid) Patches() int { return g.Rows * g.Columns }

// Longest is the largest number of patches of any of the grids.
func Longest(grids []Grid) int {
	longest := 0
	for _, grid := range grids {
		longest = max(longest, grid.Patches())
	}
	return longest
}

// Padding gives the mask [B, S] of a Picture and its positions [B*S, P] for
// pictures of these grids, padded to as many patches S as the longest has.
func Padding(config VisionConfig, grids []Grid) (mask, positions []float32) {
	longest := Longest(grids)
	mask, positions = make([]float32, len(grids)*longest), make([]float32, len(grids)*longest*int(config.Positions))
	for i, grid := range grids {
		for patch := range grid.Patches() {
			mask[i*longest+patch] = 1
		}
		copy(positions[i*longest*int(config.Positions):], PositionWeights(config, grid.Rows, grid.Columns))
	}
	return mask, positions
}
