package siglip2

import (
	"fmt"
	"math"

	"polylens/encoder/graph"
)

// Options choose among graphs that compute the same.
type Options struct {
	// Portable uses standard ONNX operators alone. The default takes attention
	// as one operator of ONNX Runtime, which never stores the [B, H, N, N]
	// scores: as fast at 196 patches, faster at 1024. FastGelu is not used, it
	// is no faster than Gelu.
	Portable bool
	// Outputs names intermediates to output beside the embedding, as
	// graph.Graph.Marks lists them: "embeddings", "layers.0" and so on,
	// "last_hidden_state", "pooler_output".
	Outputs []string
	// Prefix stands before the names of intermediates, for two towers in one graph.
	Prefix string
	// Revise, where it is set, changes the embedded patches of pictures, rows
	// [B*N, D], before the first block: it may mask or drop some. It keeps the
	// number of items.
	Revise func(rows *graph.Value) *graph.Value
	// Kept, where it is set, are the tokens of each text that the text tower is
	// given, instead of all.
	Kept *KeptTokens
}

// tower composes one tower. Activations are rows: [B*L, D], because a fully
// connected layer on rows is one Gemm on the weight as it is stored.
type tower struct {
	Tower
	name       string // prefix of the tower's weights
	batch      int64  // items; graph.Batch where their number is open
	graph      *graph.Graph
	parameters Parameters
	options    Options
	quantized  map[*graph.Value]graph.Quantized // rows quantized already
	padding    *graph.Value                     // [B, N], what is added to scores, 0 for patches; nil: none is padding
	bias       *graph.Value                     // the same for scores [B, H, N, N] of attention
}

// stored returns a weight in the type that it is stored in.
func (t *tower) stored(name string, shape ...int64) *graph.Value {
	return t.parameters.Parameter(t.graph, t.name+"."+name, shape...)
}

// weight returns a weight in float32.
func (t *tower) weight(name string, shape ...int64) *graph.Value {
	return graph.Cast(t.stored(name, shape...), graph.Float32)
}

// linear maps rows [M, in] to [M, out], in 8 bits if the weight is.
func (t *tower) linear(name string, x *graph.Value, out int64) *graph.Value {
	if p, ok := t.parameters.(QuantizedParameters); ok {
		if weight, scale := p.Quantized(t.graph, t.name+"."+name+".weight", out, x.Shape[1]); weight != nil {
			return graph.QuantizedLinear(t.quantize(x), weight, scale, t.weight(name+".bias", out))
		}
	}
	weight, bias := t.weight(name+".weight", out, x.Shape[1]), t.weight(name+".bias", out)
	if p, ok := t.parameters.(AdaptedParameters); ok {
		return p.Linear(t.name+"."+name, x, weight, bias)
	}
	return graph.Linear(x, weight, bias)
}

// quantize quantizes rows once for all layers that read them.
func (t *tower) quantize(x *graph.Value) graph.Quantized {
	rows, done := t.quantized[x]
	if !done {
		rows = graph.DynamicQuantize(x)
		t.quantized[x] = rows
	}
	return rows
}

// norm is a LayerNorm over the width.
func (t *tower) norm(name string, x *graph.Value) *graph.Value {
	return graph.LayerNorm(x, t.weight(name+".weight", t.Width), t.weight(name+".bias", t.Width), t.Epsilon)
}

// mlp is fc2(gelu(fc1(x))) on rows [M, D].
func (t *tower) mlp(name string, x *graph.Value) *graph.Value {
	return t.linear(name+".fc2", t.activate(t.linear(name+".fc1", x, t.MLP)), t.Width)
}

func (t *tower) activate(x *graph.Value) *graph.Value {
	if t.Activation == GeluExact {
		return graph.Gelu(x)
	}
	return graph.GeluTanh(x)
}

// encode runs the blocks from first up to but not including end on [B*L, D].
// The last block computes only the rows that pick chooses: every other row
// would be thrown away.
func (t *tower) encode(x *graph.Value, first, end int64, pick func(*graph.Value) *graph.Value) *graph.Value {
	for layer := first; layer < end; layer++ {
		chosen := all
		if layer == t.Layers-1 {
			chosen = pick
		}
		x = t.mark(fmt.Sprintf("layers.%d", layer), t.block(fmt.Sprintf("encoder.layers.%d", layer), x, chosen))
	}
	return x
}

// mark names an intermediate.
func (t *tower) mark(name string, x *graph.Value) *graph.Value {
	return t.graph.Mark(t.options.Prefix+name, x)
}

// revised applies the change that the options ask for to embedded rows.
func (t *tower) revised(rows *graph.Value) *graph.Value {
	if t.options.Revise == nil {
		return rows
	}
	return t.options.Revise(rows)
}

// all picks every row.
func all(x *graph.Value) *graph.Value { return x }

// block is a pre-norm transformer block:
// x += attention(norm1(x)); x += mlp(norm2(x)).
func (t *tower) block(name string, x *graph.Value, pick func(*graph.Value) *graph.Value) *graph.Value {
	h := t.norm(name+".layer_norm1", x)
	query := t.linear(name+".self_attn.q_proj", pick(h), t.Width)
	key := t.linear(name+".self_attn.k_proj", h, t.Width)
	value := t.linear(name+".self_attn.v_proj", h, t.Width)
	attended := t.rows(t.attention(t.items(query), t.items(key), t.items(value)))
	x = graph.Add(pick(x), t.linear(name+".self_attn.out_proj", attended, t.Width))
	return graph.Add(x, t.mlp(name+".mlp", t.norm(name+".layer_norm2", x)))
}

// items turns rows [B*L, D] into [B, L, D].
func (t *tower) items(x *graph.Value) *graph.Value {
	return graph.Reshape(x, t.batch, x.Shape[0]/t.batch, x.Shape[1])
}

// rows turns [B, L, D] into [B*L, D].
func (t *tower) rows(x *graph.Value) *graph.Value {
	return graph.Reshape(x, x.Shape[0]*x.Shape[1], x.Shape[2])
}

// attention is softmax(q k^T / sqrt(D/H)) v in each head, where padding alone is
// masked: query [B, L, D], key and value [B, N, D] -> [B, L, D].
func (t *tower) attention(query, key, value *graph.Value) *graph.Value {
	switch {
	case !t.options.Portable && t.bias != nil:
		return graph.BiasedAttention(query, key, value, t.bias, t.Heads)
	case !t.options.Portable:
		return graph.MultiHeadAttention(query, key, value, t.Heads)
	}
	scale := t.graph.Floats(graph.Shape{1}, float32(1/math.Sqrt(float64(t.Width/t.Heads))))
	scores := graph.MatMul(graph.Mul(t.heads(query, 0, 2, 1, 3), scale), t.heads(key, 0, 2, 3, 1)) // [B, H, L, N]
	if t.bias != nil {
		scores = graph.Add(scores, t.bias)
	}
	mixed := graph.MatMul(graph.Softmax(scores), t.heads(value, 0, 2, 1, 3)) // [B, H, L, D/H]
	return graph.Reshape(graph.Transpose(mixed, 0, 2, 1, 3), query.Shape...)
}

// heads splits [B, L, D] into [B, L, H, D/H] and reorders the axes.
func (t *tower) heads(x *graph.Value, permutation ...int64) *graph.Value {
	split := graph.Reshape(x, x.Shape[0], x.Shape[1], t.Heads, t.Width/t.Heads)
	return graph.Transpose(split, permutation...)
}

// finish returns the unit vectors of pooled [B, D].
func (t *tower) finish(pooled *graph.Value) *graph.Value {
	if checked, ok := t.parameters.(interface{ CheckUnused(tower string) }); ok {
		checked.CheckUnused(t.name)
	}
	return graph.Unit(t.mark("pooler_output", pooled))
}

// declare declares the outputs: the unit vectors and whatever intermediates
// the options ask for.
func (o Options) declare(unit *graph.Value) {
	unit.Graph().Output(EmbeddingOutput, unit)
	for _, name := range o.Outputs {
		unit.Graph().MarkOutput(name)
	}
}

func newTower(config Tower, name string, g *graph.Graph, parameters Parameters, options Options) *tower {
	return &tower{
		Tower: config, name: name, batch: graph.Batch, graph: g, parameters: parameters, options: options,
		quantized: map[*graph.Value]graph.Quantized{},
	}
}
