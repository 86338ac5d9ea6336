package autodiff

import (
	"math"
	"slices"

	"polylens/encoder/graph"
)

// matMul: y = a b, so da = dy b^T and db = a^T dy, summed where the leading
// dimensions were broadcast.
func matMul(s *step, dy *graph.Value) {
	if s.wants(0) {
		s.give(0, graph.MatMul(dy, swap(s.in[1])))
	}
	if s.wants(1) {
		s.give(1, graph.MatMul(swap(s.in[0]), dy))
	}
}

// swap transposes the matrices in the last two dimensions.
func swap(x *graph.Value) *graph.Value {
	permutation := make([]int64, len(x.Shape))
	for i := range permutation {
		permutation[i] = int64(i)
	}
	last := len(permutation) - 1
	permutation[last-1], permutation[last] = permutation[last], permutation[last-1]
	return graph.Transpose(x, permutation...)
}

// gemm: y = op(a) op(b) + c, where op may transpose. With da' the derivative
// with respect to op(a): da' = dy op(b)^T, and da is it transposed back.
func gemm(s *step, dy *graph.Value) {
	a, b := s.in[0], s.in[1]
	transA, transB := s.node.Attribute("transA") == int64(1), s.node.Attribute("transB") == int64(1)
	if s.wants(0) {
		if transA {
			s.give(0, graph.Gemm(b, dy, transB, true))
		} else {
			s.give(0, graph.Gemm(dy, b, false, !transB))
		}
	}
	if s.wants(1) {
		if transB {
			s.give(1, transposedProduct(dy, a, transA))
		} else {
			s.give(1, graph.Gemm(a, dy, !transA, false))
		}
	}
	if s.wants(2) {
		s.give(2, dy)
	}
}

// wide is the number of columns from which on the left operand of a product is worth
// transposing first: the runtime otherwise transposes it again for every block of
// columns.
const wide = 256

// transposedProduct is dy^T op(a).
func transposedProduct(dy, a *graph.Value, transposed bool) *graph.Value {
	columns := a.Shape[1]
	if transposed {
		columns = a.Shape[0]
	}
	if columns >= 0 && columns < wide {
		return graph.Gemm(dy, a, true, transposed)
	}
	return graph.Gemm(graph.Transpose(dy, 1, 0), a, false, transposed)
}

// layerNorm: y = n scale + bias with n = (x - mean) r and r = 1 / deviation.
// With g = dy scale, dx = r (g - mean of g - n mean of (g n)).
func layerNorm(s *step, dy *graph.Value) {
	x, scale := s.in[0], s.in[1]
	n, r := normalized(s)
	if s.wants(1) {
		s.give(1, graph.Mul(dy, n))
	}
	if s.wants(2) {
		s.give(2, dy)
	}
	if !s.wants(0) {
		return
	}
	g := graph.Mul(dy, scale)
	tilt := graph.Mul(n, graph.ReduceMean(graph.Mul(g, n), true, len(x.Shape)-1))
	centred := graph.Sub(g, graph.ReduceMean(g, true, len(x.Shape)-1))
	s.give(0, graph.Mul(graph.Sub(centred, tilt), r))
}

// normalized computes n and r from the mean and the inverse deviation that the
// forward node gives as optional outputs.
func normalized(s *step) (n, r *graph.Value) {
	shape := slices.Clone(s.in[0].Shape)
	shape[len(shape)-1] = 1
	node := s.out.Producer
	mean := node.Optional(1, graph.Type{DType: graph.Float32, Shape: shape})
	r = node.Optional(2, graph.Type{DType: graph.Float32, Shape: shape})
	return graph.Mul(graph.Sub(s.in[0], mean), r), r
}

// attention differentiates o = p v with p = softmax(scale q k^T + bias) in each head,
// where the bias may be missing, and scale = 1 / sqrt(d). The shares p are computed
// once more instead of kept, and the sum of do p over a row is do . o, as in
// FlashAttention (Dao et al. 2022, arXiv 2205.14135, equation 4). It uses the
// operators of the domain that the node itself is from. A large batch is processed in
// pieces, so that scores stay in the processor's cache.
func attention(s *step, dy *graph.Value) {
	in := s.in
	if len(in) > attentionBias {
		s.giveAll(attentionPart(s, in, s.out, dy))
		return
	}
	scores := graph.Shape{in[0].Shape[0], s.node.Attribute("num_heads").(int64), in[0].Shape[1], in[1].Shape[1]}
	s.giveAll(inPieces(scores, func(cut cutter) []*graph.Value {
		return attentionPart(s, []*graph.Value{cut(in[0]), cut(in[1]), cut(in[2])}, cut(s.out), cut(dy))
	}))
}

// attentionPart gives the derivatives with respect to the operands of attention
// between some items of a batch, nil for those that nobody wants.
func attentionPart(s *step, in []*graph.Value, out, dy *graph.Value) []*graph.Value {
	heads := s.node.Attribute("num_heads").(int64)
	scale := float32(1 / math.Sqrt(float64(in[0].Shape[2]/heads)))
	q, k, v := split(in[0], heads), split(in[1], heads), split(in[2], heads)
	o, do := split(out, heads), split(dy, heads)
	p := graph.Softmax(addBias(in, graph.FusedMatMul(q, k, false, true, scale))) // [B, H, L, N]
	d := make([]*graph.Value, len(in))
	if s.wants(2) {
		d[2] = join(graph.FusedMatMul(p, do, true, false, 1))
	}
	if !s.wants(0) && !s.wants(1) && !s.wants(attentionBias) {
		return d
	}
	total := graph.ReduceSum(graph.Mul(do, o), true, 3)
	scores := graph.Mul(p, graph.Sub(graph.FusedMatMul(do, v, false, true, 1), total))
	if s.wants(0) {
		d[0] = join(graph.FusedMatMul(scores, k, false, false, scale))
	}
	if s.wants(1) {
		d[1] = join(graph.FusedMatMul(scores, q, true, false, scale))
	}
	if s.wants(attentionBias) {
		d[attentionBias] = scores
	}
	return d
}

// attentionBias is the operand of attention that is added to the scores.
const attentionBias = 5

func addBias(in []*graph.Value, scores *graph.Value) *graph.Value {
	if len(in) <= attentionBias {
		return scores
	}
	return graph.Add(scores, in[attentionBias])
}

// split takes the heads of [B, L, D] apart: [B, H, L, D/H].
func split(x *graph.Value, heads int64) *graph.Value {
	return graph.Transpose(graph.Reshape(x, x.Shape[0], x.Shape[1], heads, x.Shape[2]/heads), 0, 2, 1, 3)
}

// join puts heads [B, H, L, D/H] back side by side: [B, L, D].
func join(x *graph.Value) *graph.Value {
	return graph.Reshape(graph.Transpose(x, 0, 2, 1, 3), x.Shape[0], x.Shape[2], x.Shape[1]*x.Shape[3])
}
