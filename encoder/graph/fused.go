package graph

// MultiHeadAttention is softmax(q k^T / sqrt(D/heads)) v for each of the
// heads: query [B, L, D], key and value [B, N, D]; the result is [B, L, D].
// It is ONNX Runtime's own operator (domain com.microsoft), which works in
// blocks and never stores all scores.
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
