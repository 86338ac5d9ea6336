package distill

import (
	"fmt"

	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
)

// Names in the vision tower.
const (
	positionTable = "vision_model.embeddings.position_embedding.weight"
	pooled        = "pooler_output"
)

// localSide is the side of local views in pixels.
func (c Config) localSide(model siglip2.Config) (int64, error) {
	side, patch := c.LocalSide, int64(model.Vision.Patch)
	if side == 0 {
		// 96 of 224 pixels in DINO, in whole patches.
		side = max(1, (model.Vision.Grid()*3+3)/7) * patch
	}
	if side%patch != 0 || side > int64(model.Vision.Image) {
		return 0, fmt.Errorf("local_side %d: the model takes %d pixels a side in patches of %d, so want a multiple of that, up to the former",
			side, model.Vision.Image, patch)
	}
	return side, nil
}

// reduced are the parameters of a model at another resolution: its table of
// positions is resized, as SigLIP 2 does for pictures of native aspect ratio.
type reduced struct {
	siglip2.Parameters
	vision siglip2.VisionConfig // the model's own resolution
}

// Parameter implements siglip2.Parameters.
func (r reduced) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if name != positionTable {
		return r.Parameters.Parameter(g, name, shape...)
	}
	table := r.Parameters.Parameter(g, name, r.vision.Patches(), r.vision.Width)
	if table.Shape.Equal(shape) {
		return table
	}
	grid := r.vision.Grid()
	side := isqrt(shape[0])
	weights := g.Floats(graph.Shape{shape[0], grid * grid}, siglip2.PositionWeights(r.vision, side, side)...)
	return graph.Gemm(weights, graph.Cast(table, graph.Float32), false, false)
}

// isqrt is the side of a square grid of so many patches.
func isqrt(patches int64) int {
	side := 0
	for int64((side+1)*(side+1)) <= patches {
		side++
	}
	return side
}

// Linear implements siglip2.AdaptedParameters.
func (r reduced) Linear(name string, x, weight, bias *graph.Value) *graph.Value {
	if p, ok := r.Parameters.(siglip2.AdaptedParameters); ok {
		return p.Linear(name, x, weight, bias)
	}
	return graph.Linear(x, weight, bias)
}

// LocalValues is how many values the local views of one picture have, for what
// memory they take.
func (c Config) LocalValues(model siglip2.Config) float64 {
	side, err := c.localSide(model)
	if err != nil {
		return 0
	}
	return float64(c.locals()) * float64(model.Vision.Channels) * float64(side) * float64(side)
}
