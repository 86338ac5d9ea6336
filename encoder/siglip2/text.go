package siglip2

import (
	"slices"

	"polylens/encoder/graph"
)

// Names of the inputs and of the one output that every graph has.
const (
	TextInput       = "input_ids"        // int64 [B, L]
	VisionInput     = "pixel_values"     // float32 [B, 3, R, R]; NaFlex: [N, 3 P P] of one picture
	PositionsInput  = "position_weights" // NaFlex: float32 [N, positions], see PositionWeights
	EmbeddingOutput = "embedding"        // float32 [B, Dimension], unit vectors; NaFlex: B is 1

	// LastHiddenState names the intermediate [B*L, D] before pooling.
	LastHiddenState = "last_hidden_state"
)

// Prefixes of the weights of the towers.
const (
	textTower   = "text_model"
	visionTower = "vision_model"
)

// BuildText composes the text tower: token ids [B, L] to unit vectors.
// Every position is attended to, padding too, as the model was trained.
func BuildText(config Config, parameters Parameters, options Options) (*graph.Graph, error) {
	return graph.Build("siglip2_text", func(g *graph.Graph) {
		ids := g.Input(TextInput, graph.Int64, graph.Batch, config.Text.Length)
		composeText(g, config.Text, parameters, options, ids)
	})
}

func composeText(g *graph.Graph, config TextConfig, parameters Parameters, options Options, ids *graph.Value) {
	t := newTower(config.Tower, textTower, g, parameters, options)
	t.tokens = config.Length
	x := g.Mark("embeddings", t.embedTokens(config, ids))
	// The embedding is read from the last position, so the last block computes
	// no other, unless somebody asks for all of them.
	pick, pickAfter := t.last, all
	if slices.Contains(options.Outputs, LastHiddenState) {
		pick, pickAfter = all, t.last
	}
	states := g.Mark(LastHiddenState, t.norm("final_layer_norm", t.encode(t.rows(x), pick)))
	t.finish(t.linear("head", pickAfter(states), config.Projection))
}

// embedTokens looks ids up and adds the positions: [B, L, D].
func (t *tower) embedTokens(config TextConfig, ids *graph.Value) *graph.Value {
	const name = "embeddings.token_embedding.weight"
	table := t.stored(name, config.Vocabulary, t.Width)
	tokens := graph.Cast(graph.Gather(table, ids), graph.Float32) // cast the rows, not the table
	if table.DType == graph.Int8 {
		tokens = graph.Mul(tokens, graph.Gather(t.stored(name+ScaleSuffix, config.Vocabulary, 1), ids))
	}
	return graph.Add(tokens, t.weight("embeddings.position_embedding.weight", t.tokens, t.Width))
}

// last picks the row of the last position of each text: [B*L, D] -> [B, D].
func (t *tower) last(x *graph.Value) *graph.Value {
	return t.rows(graph.Slice(t.items(x), 1, t.tokens-1, t.tokens))
}
