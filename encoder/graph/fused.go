package graph

import "slices"

// MultiHeadAttention is softmax(q k^T / sqrt(D/heads)) v for each of the
// heads: query [B, L, D], key and value [B, N, D]; the result is [B, L, D].
// It is ONNX Runtime's own operator (domain com.microsoft), which works in
// blocks and never stores all scores.
func MultiHeadAttention(query, key, value *Value, heads int64) *Value {
	return attention(heads, query, key, value)
}

// BiasedAttention is MultiHeadAttention with a number added to each score
// before the softmax: bias [B, H, L, N], where B and H may be 1.
func BiasedAttention(query, key, value, bias *Value, heads int64) *Value {
	if len(query.Shape) == 3 && len(key.Shape) == 3 {
		scores := Shape{query.Shape[0], heads, query.Shape[1], key.Shape[1]}
		if len(bias.Shape) != 4 || !slices.Equal(bias.Shape[2:], scores[2:]) || !broadcast("MultiHeadAttention", bias.Shape, scores).Equal(scores) {
			fail("MultiHeadAttention", "bias %v does not fit scores %v", bias, scores)
		}
	}
	return attention(heads, query, key, value, nil, nil, bias)
}

func attention(heads int64, inputs ...*Value) *Value {
	const op = "MultiHeadAttention"
	query, key, value := inputs[0], inputs[1], inputs[2]
	if len(query.Shape) != 3 || len(key.Shape) != 3 || !key.Shape.Equal(value.Shape) ||
		query.Shape[0] != key.Shape[0] || query.Shape[2] != key.Shape[2] {
		fail(op, "query %v, key %v and value %v do not fit", query, key, value)
	}
	if heads < 1 || query.Shape[2]%heads != 0 {
		fail(op, "%d heads do not divide the width of %v", heads, query)
	}
	node := Node{Op: op, Domain: Microsoft, Inputs: inputs, Attributes: []Attribute{{"num_heads", heads}}}
	return apply(node, Type{query.DType, query.Shape})
}

// FusedMatMul is MatMul times a number, of matrices each transposed in its last
// two dimensions if its flag is set. Unlike Transpose before MatMul it moves
// nothing. Leading dimensions are equal. It is ONNX Runtime's own operator.
func FusedMatMul(a, b *Value, transposeA, transposeB bool, scale float32) *Value {
	const op = "FusedMatMul"
	rank := len(a.Shape)
	if rank < 2 || len(b.Shape) != rank || !a.Shape[:rank-2].Equal(b.Shape[:rank-2]) {
		fail(op, "%v and %v do not fit", a, b)
	}
	rows, inner := oriented(a.Shape[rank-2:], transposeA)
	other, columns := oriented(b.Shape[rank-2:], transposeB)
	if inner != other {
		fail(op, "cannot multiply %v by %v", a, b)
	}
	shape := append(slices.Clone(a.Shape[:rank-2]), rows, columns)
	node := Node{Op: op, Domain: Microsoft, Inputs: []*Value{a, b},
		Attributes: []Attribute{{"transA", flag(transposeA)}, {"transB", flag(transposeB)}, {"alpha", scale}}}
	return apply(node, Type{a.DType, shape})
}
