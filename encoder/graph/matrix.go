package graph

// MatMul multiplies the matrices in the last two dimensions of a and b:
// [..., M, K] x [..., K, N] -> [..., M, N]. Leading dimensions broadcast.
func MatMul(a, b *Value) *Value {
	if len(a.Shape) < 2 || len(b.Shape) < 2 || dimFromRight(a.Shape, 0) != dimFromRight(b.Shape, 1) {
		fail("MatMul", "cannot multiply %v by %v", a, b)
	}
	shape := broadcast("MatMul", a.Shape[:len(a.Shape)-2], b.Shape[:len(b.Shape)-2])
	shape = append(shape, dimFromRight(a.Shape, 1), dimFromRight(b.Shape, 0))
	return apply(Node{Op: "MatMul", Inputs: []*Value{a, b}}, Type{a.DType, shape})
}

// Linear is a fully connected layer on rows: x [M, K], weight [N, K] as
// checkpoints store it, bias [N] or nil; the result is [M, N]. It is a Gemm
// with transB, which reads the stored weight without transposing it.
func Linear(x, weight, bias *Value) *Value {
	if len(x.Shape) != 2 || len(weight.Shape) != 2 || x.Shape[1] != weight.Shape[1] {
		fail("Gemm", "rows %v do not fit weight %v", x, weight)
	}
	inputs := []*Value{x, weight}
	if bias != nil {
		if !bias.Shape.Equal(Shape{weight.Shape[0]}) {
			fail("Gemm", "bias %v does not fit weight %v", bias, weight)
		}
		inputs = append(inputs, bias)
	}
	node := Node{Op: "Gemm", Inputs: inputs, Attributes: []Attribute{{"transB", int64(1)}}}
	return apply(node, Type{x.DType, Shape{x.Shape[0], weight.Shape[0]}})
}

// Gemm multiplies two matrices, each transposed if its flag is set: it is
// Linear's operator in every orientation, without a bias.
func Gemm(a, b *Value, transposeA, transposeB bool) *Value {
	if len(a.Shape) != 2 || len(b.Shape) != 2 {
		fail("Gemm", "%v and %v are not both matrices", a, b)
	}
	rows, inner := oriented(a.Shape, transposeA)
	other, columns := oriented(b.Shape, transposeB)
	if inner != other {
		fail("Gemm", "cannot multiply %v by %v", a, b)
	}
	node := Node{Op: "Gemm", Inputs: []*Value{a, b},
		Attributes: []Attribute{{"transA", flag(transposeA)}, {"transB", flag(transposeB)}}}
	return apply(node, Type{a.DType, Shape{rows, columns}})
}

func oriented(shape Shape, transposed bool) (rows, columns int64) {
	if transposed {
		return shape[1], shape[0]
	}
	return shape[0], shape[1]
}
