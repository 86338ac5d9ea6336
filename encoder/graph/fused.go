package graph

import "slices"

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
