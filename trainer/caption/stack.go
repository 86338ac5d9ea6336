package caption

import (
	"fmt"
	"math"

	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
)

// stack composes the decoder. B pictures have N tokens each, and S sequences of
// L positions; those of one picture stand one after the other. Activations are
// rows, [S*L, D].
type stack struct {
	*Decoder
	graph     *graph.Graph
	parameter func(name string, start start, shape ...int64) *graph.Value
	portable  bool // standard ONNX operators alone
	pictures  int64
}

// states are what tokens are predicted from: rows [S*L, D], of ids [S, L] and
// the tokens of the pictures [B*N, W]. Where causal [S] is 1, no position sees a
// later one.
func (s *stack) states(tokens, ids, causal *graph.Value) *graph.Value {
	x, hidden := s.graph.Mark(Prefix+"embeddings", s.embed(ids)), s.hidden(causal)
	for layer := range s.tower.Layers {
		name := fmt.Sprintf("layers.%d", layer)
		x = s.graph.Mark(Prefix+name, s.block(name, x, tokens, hidden))
	}
	return s.norm("final_layer_norm", x)
}

// embed looks ids up and adds the positions.
func (s *stack) embed(ids *graph.Value) *graph.Value {
	width := s.tower.Width
	table := s.weight("embeddings.token_embedding.weight", normal(1), s.vocabulary+1, width)
	positions := s.weight("embeddings.position_embedding.weight", normal(1/math.Sqrt(float64(width))), s.length, width)
	return graph.Reshape(graph.Add(graph.Gather(table, ids), positions), ids.Shape[0]*s.length, width)
}

// hidden is added to the scores of attention: [S, 1, L, L], far below zero
// where a position must not see another.
func (s *stack) hidden(causal *graph.Value) *graph.Value {
	const never = -1e9
	later := make([]float32, s.length*s.length)
	for from := range s.length {
		for to := from + 1; to < s.length; to++ {
			later[from*s.length+to] = never
		}
	}
	return graph.Mul(graph.Reshape(causal, causal.Shape[0], 1, 1, 1), s.graph.Floats(graph.Shape{s.length, s.length}, later...))
}

// block is a pre-norm block: x += self_attn(norm1(x)); x += cross_attn(norm2(x),
// tokens); x += mlp(norm3(x)).
//
// The sequences of a picture look at the same tokens, and it makes no
// difference to a position which others look too: they are one long sequence
// there, and keys and values are computed once.
func (s *stack) block(name string, x, tokens, hidden *graph.Value) *graph.Value {
	h := s.norm(name+".layer_norm1", x)
	x = graph.Add(x, s.attend(name+".self_attn", h, h, x.Shape[0]/s.length, hidden))
	h = s.norm(name+".layer_norm2", x)
	x = graph.Add(x, s.attend(name+".cross_attn", h, tokens, s.pictures, nil))
	h = s.norm(name+".layer_norm3", x)
	return graph.Add(x, s.mlp(name+".mlp", h))
}

// attend lets the rows of each item look at rows of the same item, save where
// hidden is far below zero; nil hides nothing. As in CapPa there are no biases.
func (s *stack) attend(name string, from, to *graph.Value, items int64, hidden *graph.Value) *graph.Value {
	query := s.items(s.project(name+".q_proj", from), items)
	key, value := s.items(s.project(name+".k_proj", to), items), s.items(s.project(name+".v_proj", to), items)
	var mixed *graph.Value
	if hidden == nil && !s.portable {
		mixed = graph.MultiHeadAttention(query, key, value, s.tower.Heads)
	} else {
		mixed = s.mix(query, key, value, hidden)
	}
	return s.project(name+".out_proj", graph.Reshape(mixed, from.Shape...))
}

// mix is softmax(q k^T / sqrt(D/H) + hidden) v in each head.
func (s *stack) mix(query, key, value, hidden *graph.Value) *graph.Value {
	scale := s.graph.Floats(graph.Shape{1}, float32(1/math.Sqrt(float64(s.tower.Width/s.tower.Heads))))
	scores := graph.MatMul(s.heads(graph.Mul(query, scale), 0, 2, 1, 3), s.heads(key, 0, 2, 3, 1)) // [S, H, L, L]
	if hidden != nil {
		scores = graph.Add(scores, hidden)
	}
	mixed := graph.MatMul(graph.Softmax(scores), s.heads(value, 0, 2, 1, 3)) // [S, H, L, D/H]
	return graph.Reshape(graph.Transpose(mixed, 0, 2, 1, 3), query.Shape...)
}

// heads splits [S, L, D] into [S, L, H, D/H] and reorders the axes.
func (s *stack) heads(x *graph.Value, permutation ...int64) *graph.Value {
	return graph.Transpose(graph.Reshape(x, x.Shape[0], x.Shape[1], s.tower.Heads, x.Shape[2]/s.tower.Heads), permutation...)
}

// items turns rows into [items, rows of each, D].
func (s *stack) items(rows *graph.Value, items int64) *graph.Value {
	return graph.Reshape(rows, items, rows.Shape[0]/items, rows.Shape[1])
}

// project is a linear layer without a bias.
func (s *stack) project(name string, x *graph.Value) *graph.Value {
	in := x.Shape[1]
	return graph.Linear(x, s.weight(name+".weight", normal(1/math.Sqrt(float64(in))), s.tower.Width, in), nil)
}

// mlp is fc2(gelu(fc1(x))).
func (s *stack) mlp(name string, x *graph.Value) *graph.Value {
	return s.linear(name+".fc2", s.activate(s.linear(name+".fc1", x, s.tower.MLP)), s.tower.Width)
}

func (s *stack) linear(name string, x *graph.Value, out int64) *graph.Value {
	in := x.Shape[1]
	weight := s.weight(name+".weight", uniform(math.Sqrt(6/float64(in+out))), out, in)
	return graph.Linear(x, weight, s.weight(name+".bias", zeros, out))
}

func (s *stack) activate(x *graph.Value) *graph.Value {
	if s.tower.Activation == siglip2.GeluExact {
		return graph.Gelu(x)
	}
	return graph.GeluTanh(x)
}

func (s *stack) norm(name string, x *graph.Value) *graph.Value {
	width := s.tower.Width
	return graph.LayerNorm(x, s.weight(name+".weight", ones, width), s.weight(name+".bias", zeros, width), s.tower.Epsilon)
}

func (s *stack) weight(name string, start start, shape ...int64) *graph.Value {
	return s.parameter(Prefix+name, start, shape...)
}

// head declares the parts of the last layer, which scores every token of the
// vocabulary. It starts from zero, so that at first all are as likely.
func (s *stack) head() []part {
	var parts []part
	for first := int64(0); first < s.vocabulary; first += s.config.Part {
		name, size := fmt.Sprintf("head.%d", len(parts)), min(s.config.Part, s.vocabulary-first)
		bias := s.weight(name+".bias", zeros, size)
		parts = append(parts, part{first: first, size: size, bias: bias, weight: s.weight(name+".weight", zeros, size, s.tower.Width)})
	}
	return parts
}
