package graph

// The operators here are ONNX Runtime's own (domain com.microsoft). Each does
// the work of several standard ones in one pass.

// FastGelu is GeluTanh(x + bias); bias [D] may be nil.
func FastGelu(x, bias *Value) *Value {
	inputs := []*Value{x}
	if bias != nil {
		inputs = append(inputs, bias)
	}
	return apply(Node{Op: "FastGelu", Domain: Microsoft, Inputs: inputs}, Type{x.DType, x.Shape})
}

// MultiHeadAttention is softmax(q k^T / sqrt(D/heads)) v for each of the
// heads: query [B, L, D], key and value [B, N, D]; the result is [B, L, D].
func MultiHeadAttention(query, key, value *Value, heads int64) *Value {
	const op = "MultiHeadAttention"
	if len(query.Shape) != 3 || len(key.Shape) != 3 || !key.Shape.Equal(value.Shape) ||
		query.Shape[0] != key.Shape[0] || query.Shape[2] != key.Shape[2] {
		fail(op, "query %v, key %v and value %v do not fit", query, key, value)
	}
	if heads < 1 || query.Shape[2]%heads != 0 {
		fail(op, "%d heads do not divide the width of %v", heads, query)
	}
	node := Node{Op: op, Domain: Microsoft, Inputs: []*Value{query, key, value},
		Attributes: []Attribute{{"num_heads", heads}}}
	return apply(node, Type{query.DType, query.Shape})
}

// SkipLayerNorm returns LayerNorm(x + skip) and x + skip.
func SkipLayerNorm(x, skip, scale, bias *Value, epsilon float32) (normed, sum *Value) {
	const op = "SkipLayerNormalization"
	checkLayerNorm(op, x, scale, bias)
	if !x.Shape.Equal(skip.Shape) {
		fail(op, "%v and %v have different shapes", x, skip)
	}
	node := Node{Op: op, Domain: Microsoft, Inputs: []*Value{x, skip, scale, bias},
		Attributes: []Attribute{{"epsilon", epsilon}}}
	same := Type{x.DType, x.Shape}
	outputs := x.graph.Apply(node, same, Type{}, Type{}, same)
	return outputs[0], outputs[3]
}
