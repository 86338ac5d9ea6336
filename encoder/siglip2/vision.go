package siglip2

import (
	"math"

	"polylens/encoder/graph"
)

// BuildVision composes the vision tower: pixels [B, 3, R, R] to unit vectors
// [B, D]. That of a NaFlex model takes the patches of one picture, any number
// of them, because a batch of different shapes would have to be padded and one
// picture keeps the processor busy: [N, 3 P P] and [N, positions] to [1, D].
func BuildVision(config Config, parameters Parameters, options Options) (*graph.Graph, error) {
	return graph.Build("siglip2_vision", func(g *graph.Graph) {
		options.declare(Vision(config, parameters, options, VisionInputs(g, config)))
	})
}

// Picture is what the vision tower looks at.
type Picture struct {
	Pixels    *graph.Value // float32 [B, 3, R, R]; NaFlex: [N, 3 P P] of one picture
	Positions *graph.Value // NaFlex: [N, positions], see PositionWeights; else nil
	// Mask, for a NaFlex model, makes it several pictures that are padded to the
	// same number of patches S, in B*S rows: [B, S], 1 for a patch, 0 for padding.
	Mask *graph.Value
}

// VisionInputs declares the inputs of the vision tower.
func VisionInputs(g *graph.Graph, config Config) Picture {
	c := config.Vision
	if config.NaFlex() {
		return Picture{
			Pixels:    g.Input(VisionInput, graph.Float32, graph.Batch, c.PatchValues()),
			Positions: g.Input(PositionsInput, graph.Float32, graph.Batch, c.Positions),
		}
	}
	return Picture{Pixels: g.Input(VisionInput, graph.Float32, graph.Batch, c.Channels, int64(c.Image), int64(c.Image))}
}

// Vision composes the vision tower in the graph of the picture and returns the
// unit vectors [B, D] of the pictures.
func Vision(config Config, parameters Parameters, options Options, picture Picture) *graph.Value {
	t := newVisionTower(config, parameters, options, picture)
	return t.vision(t.revised(t.embedPicture(config, picture)), 0)
}

// VisionFrom is Vision that begins with the given block, on what the blocks
// below it make of the pictures: rows [B*N, D], of so many items B.
func VisionFrom(config Config, parameters Parameters, options Options, rows *graph.Value, items, block int64) *graph.Value {
	t := newTower(config.Vision.Tower, visionTower, rows.Graph(), parameters, options)
	t.batch = items
	return t.vision(rows, block)
}

// VisionBelow composes what is below the given block of the vision tower:
// pictures to rows [B*N, D].
func VisionBelow(config Config, parameters Parameters, options Options, picture Picture, block int64) *graph.Value {
	t := newVisionTower(config, parameters, options, picture)
	return t.encode(t.embedPicture(config, picture), 0, block, all)
}

func newVisionTower(config Config, parameters Parameters, options Options, picture Picture) *tower {
	t := newTower(config.Vision.Tower, visionTower, picture.Pixels.Graph(), parameters, options)
	t.batch = picture.Pixels.Shape[0]
	if config.NaFlex() {
		t.batch = 1 // the open dimension counts the patches of one picture
	}
	if picture.Mask != nil {
		t.pad(picture.Mask)
	}
	return t
}

// vision runs the blocks from the given one on, and the pooling head.
func (t *tower) vision(x *graph.Value, block int64) *graph.Value {
	states := t.mark(LastHiddenState, t.norm("post_layernorm", t.encode(x, block, t.Layers, all)))
	return t.finish(t.pool(states))
}

// embedPicture returns the embedded patches as rows.
func (t *tower) embedPicture(config Config, picture Picture) *graph.Value {
	if config.NaFlex() {
		return t.mark("embeddings", t.embedFlat(config.Vision, picture.Pixels, picture.Positions))
	}
	return t.rows(t.mark("embeddings", t.embedPatches(config.Vision, picture.Pixels)))
}

// embedFlat maps flattened patches [N, 3 P P] to the width and adds their
// positions, each a mixture of those of the table: [N, D].
func (t *tower) embedFlat(config VisionConfig, patches, positions *graph.Value) *graph.Value {
	x := t.linear("embeddings.patch_embedding", patches, t.Width)
	table := t.weight("embeddings.position_embedding.weight", config.Positions, t.Width)
	return graph.Add(x, graph.MatMul(positions, table))
}

// embedPatches maps each patch to the width and adds the positions: [B, N, D].
// The reference convolves; a convolution whose stride is its kernel is a fully
// connected layer on the patches, which one Gemm computes faster.
func (t *tower) embedPatches(config VisionConfig, pixels *graph.Value) *graph.Value {
	const name = "embeddings.patch_embedding"
	n, p, c := config.Grid(), int64(config.Patch), config.Channels
	pixels = graph.Slice(graph.Slice(pixels, 2, 0, n*p), 3, 0, n*p)
	patches := graph.Transpose(graph.Reshape(pixels, t.batch, c, n, p, n, p), 0, 2, 4, 1, 3, 5)
	kernel := graph.Reshape(t.weight(name+".weight", t.Width, c, p, p), t.Width, c*p*p)
	x := graph.Linear(graph.Reshape(patches, t.batch*n*n, c*p*p), kernel, t.weight(name+".bias", t.Width))
	return graph.Add(t.items(x), t.weight("embeddings.position_embedding.weight", n*n, t.Width))
}

// pool is the attention pooling head (MAP head): one learned query, the probe,
// attends to all patches; then a residual MLP. Rows [B*N, D] -> [B, D].
//
// The query is the same for every picture, so keys and values of the patches
// need not be computed. With q the query and (W_k, b_k), (W_v, b_v) the
// projections of one head, the score of a patch x is q (W_k x + b_k) =
// (q W_k) x + constant, and softmax ignores the constant; the weights of a head
// add up to one, so the mixture of values is W_v (the mixture of x) + b_v. This
// takes 2 N D H multiplications instead of 2 N D D.
func (t *tower) pool(states *graph.Value) *graph.Value {
	depth := t.Width / t.Heads
	scores := t.items(graph.Linear(states, t.probe(), nil)) // [B, N, H]
	shares := graph.Softmax(t.hide(graph.Transpose(scores, 0, 2, 1)))
	mixed := graph.Transpose(graph.MatMul(shares, t.items(states)), 1, 0, 2) // [H, B, D]
	weight, bias := t.packed(2)
	weight = graph.Transpose(graph.Reshape(weight, t.Heads, depth, t.Width), 0, 2, 1) // [H, D, D/H]
	values := graph.Transpose(graph.MatMul(mixed, weight), 1, 0, 2)                   // [B, H, D/H]
	attended := graph.Add(graph.Reshape(values, values.Shape[0], t.Width), bias)
	y := t.linear("head.attention.out_proj", attended, t.Width)
	return graph.Add(y, t.mlp("head.mlp", t.norm("head.layernorm", y)))
}

// probe is the query of each head, taken through its key projection and
// scaled: [H, D]. It depends on weights alone, so the runtime computes it once.
func (t *tower) probe() *graph.Value {
	depth := t.Width / t.Heads
	weight, bias := t.packed(0)
	query := graph.Linear(graph.Reshape(t.weight("head.probe", 1, 1, t.Width), 1, t.Width), weight, bias)
	query = graph.Mul(query, t.graph.Floats(graph.Shape{1}, float32(1/math.Sqrt(float64(depth)))))
	keys, _ := t.packed(1)
	probe := graph.MatMul(graph.Reshape(query, t.Heads, 1, depth), graph.Reshape(keys, t.Heads, depth, t.Width))
	return graph.Reshape(probe, t.Heads, t.Width)
}

// packed is one third of the head's projection, whose rows are those of query,
// key and value one after the other: weight [D, D] and bias [D].
func (t *tower) packed(part int64) (weight, bias *graph.Value) {
	const name = "head.attention.in_proj_"
	start, end := part*t.Width, (part+1)*t.Width
	return graph.Slice(t.weight(name+"weight", 3*t.Width, t.Width), 0, start, end),
		graph.Slice(t.weight(name+"bias", 3*t.Width), 0, start, end)
}
