package siglip2

import (
	"polylens/encoder/graph"
)

// BuildVision composes the vision tower: pixels [B, 3, R, R] to unit vectors.
func BuildVision(config Config, parameters Parameters, options Options) (*graph.Graph, error) {
	return graph.Build("siglip2_vision", func(g *graph.Graph) {
		c := config.Vision
		pixels := g.Input(VisionInput, graph.Float32, graph.Batch, c.Channels, int64(c.Image), int64(c.Image))
		composeVision(g, c, parameters, options, pixels)
	})
}

func composeVision(g *graph.Graph, config VisionConfig, parameters Parameters, options Options, pixels *graph.Value) {
	t := &tower{
		Tower: config.Tower, name: visionTower, tokens: config.Patches(),
		graph: g, parameters: parameters, options: options,
	}
	x := g.Mark("embeddings", t.embedPatches(config, pixels))
	states := g.Mark(lastHiddenState, t.norm("post_layernorm", t.encode(t.rows(x), all)))
	t.finish(t.pool(t.items(states)))
}

// embedPatches maps each patch to the width and adds the positions: [B, N, D].
// The reference convolves; a convolution whose stride is its kernel is a fully
// connected layer on the patches, which one Gemm computes faster.
func (t *tower) embedPatches(config VisionConfig, pixels *graph.Value) *graph.Value {
	const name = "embeddings.patch_embedding"
	n, p, c := config.Grid(), int64(config.Patch), config.Channels
	pixels = graph.Slice(graph.Slice(pixels, 2, 0, n*p), 3, 0, n*p)
	patches := graph.Transpose(graph.Reshape(pixels, graph.Batch, c, n, p, n, p), 0, 2, 4, 1, 3, 5)
	kernel := graph.Reshape(t.weight(name+".weight", t.Width, c, p, p), t.Width, c*p*p)
	x := graph.Linear(graph.Reshape(patches, graph.Batch*n*n, c*p*p), kernel, t.weight(name+".bias", t.Width))
	return graph.Add(t.items(x), t.weight("embeddings.position_embedding.weight", n*n, t.Width))
}

// pool is the attention pooling head (MAP head): one learned query, the probe,
// attends to all patches; then a residual MLP. [B, N, D] -> [B, D].
func (t *tower) pool(states *graph.Value) *graph.Value {
	probe := graph.Reshape(t.weight("head.probe", 1, 1, t.Width), 1, t.Width)
	query := graph.Reshape(t.packed(0, probe), 1, 1, t.Width)
	key := t.items(t.packed(1, t.rows(states)))
	value := t.items(t.packed(2, t.rows(states)))
	attended := t.rows(t.attention(graph.Expand(query, states), key, value))
	y := t.linear("head.attention.out_proj", attended, t.Width)
	return graph.Add(y, t.mlp("head.mlp", t.norm("head.layernorm", y)))
}

// packed applies one third of the head's projection, whose rows are those of
// query, key and value one after the other.
func (t *tower) packed(part int64, x *graph.Value) *graph.Value {
	const name = "head.attention.in_proj_"
	start, end := part*t.Width, (part+1)*t.Width
	weight := graph.Slice(t.weight(name+"weight", 3*t.Width, t.Width), 0, start, end)
	bias := graph.Slice(t.weight(name+"bias", 3*t.Width), 0, start, end)
	return graph.Linear(x, weight, bias)
}
