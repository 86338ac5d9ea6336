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

// KeptTokens are K of the L tokens of each text, the last one among them. K may be
// graph.Batch where the number of texts T is not.
type KeptTokens struct {
	Positions *graph.Value // int64 [K], where they stand
	Last      *graph.Value // int64 [T], the rows of [T*K, D] of the last ones
}

// BuildText composes the text tower: token ids [B, L] to unit vectors.
// Every position is attended to, padding too, as the model was trained.
func BuildText(config Config, parameters Parameters, options Options) (*graph.Graph, error) {
	return graph.Build("siglip2_text", func(g *graph.Graph) {
		ids := g.Input(TextInput, graph.Int64, graph.Batch, config.Text.Length)
		options.declare(Text(config, parameters, options, ids))
	})
}

// Text composes the text tower in the graph of ids [T, L] and returns the unit
// vectors [T, D] of the texts. T may be graph.Batch. L is the length of the
// configuration, or the number of tokens in Options.Kept.
func Text(config Config, parameters Parameters, options Options, ids *graph.Value) *graph.Value {
	t := newTextTower(config, parameters, options, ids)
	x := t.rows(t.mark("embeddings", t.embedTokens(config.Text, ids)))
	return t.text(config, x, 0)
}

// TextFrom is Text that begins with the given block, on what the blocks below
// it make of the texts: rows [T*L, D], of so many items T.
func TextFrom(config Config, parameters Parameters, options Options, rows *graph.Value, items, block int64) *graph.Value {
	t := newTower(config.Text.Tower, textTower, rows.Graph(), parameters, options)
	t.batch = items
	return t.text(config, rows, block)
}

// TextBelow composes what is below the given block of the text tower: ids
// [T, L] to rows [T*L, D].
func TextBelow(config Config, parameters Parameters, options Options, ids *graph.Value, block int64) *graph.Value {
	t := newTextTower(config, parameters, options, ids)
	return t.encode(t.rows(t.embedTokens(config.Text, ids)), 0, block, all)
}

// TextStates is Text up to the head: ids [T, L] to the states [T, D] that the
// embeddings are read from.
func TextStates(config Config, parameters Parameters, options Options, ids *graph.Value) *graph.Value {
	t := newTextTower(config, parameters, options, ids)
	rows := t.rows(t.embedTokens(config.Text, ids))
	return t.norm("final_layer_norm", t.encode(rows, 0, t.Layers, t.last))
}

// TextHead is what follows TextStates: states [T, D] to unit vectors [T, D].
func TextHead(config Config, parameters Parameters, options Options, states *graph.Value) *graph.Value {
	t := newTower(config.Text.Tower, textTower, states.Graph(), parameters, options)
	return graph.Unit(t.linear("head", states, config.Text.Projection))
}

func newTextTower(config Config, parameters Parameters, options Options, ids *graph.Value) *tower {
	t := newTower(config.Text.Tower, textTower, ids.Graph(), parameters, options)
	t.batch = ids.Shape[0]
	return t
}

// text runs the blocks from the given one on, and the head. The embedding is
// read from the last position, so the last block computes no other, unless
// somebody asks for all of them.
func (t *tower) text(config Config, x *graph.Value, block int64) *graph.Value {
	pick, pickAfter := t.last, all
	if slices.Contains(t.options.Outputs, LastHiddenState) {
		pick, pickAfter = all, t.last
	}
	states := t.mark(LastHiddenState, t.norm("final_layer_norm", t.encode(x, block, t.Layers, pick)))
	return t.finish(t.linear("head", pickAfter(states), config.Text.Projection))
}

// embedTokens looks ids up and adds the positions: [B, L, D].
func (t *tower) embedTokens(config TextConfig, ids *graph.Value) *graph.Value {
	const name = "embeddings.token_embedding.weight"
	table := t.stored(name, config.Vocabulary, t.Width)
	tokens := graph.Cast(graph.Gather(table, ids), graph.Float32) // cast the rows, not the table
	if table.DType == graph.Int8 {
		tokens = graph.Mul(tokens, graph.Gather(t.stored(name+ScaleSuffix, config.Vocabulary, 1), ids))
	}
	positions := t.weight("embeddings.position_embedding.weight", config.Length, t.Width)
	if t.options.Kept != nil {
		positions = graph.Gather(positions, t.options.Kept.Positions)
	}
	return graph.Add(tokens, positions)
}

// last picks the row of the last position of each text: [B*L, D] -> [B, D].
func (t *tower) last(x *graph.Value) *graph.Value {
	if t.options.Kept != nil {
		return graph.Gather(x, t.options.Kept.Last)
	}
	items := t.items(x)
	return t.rows(graph.Slice(items, 1, items.Shape[1]-1, items.Shape[1]))
}
