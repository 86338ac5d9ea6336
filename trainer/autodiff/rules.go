package autodiff

import "polylens/encoder/graph"

// rule adds the nodes that differentiate one node, given the derivative with
// respect to its first output.
type rule func(s *step, dy *graph.Value)

// rules has an entry for each operator, named domain:operator.
var rules = map[string]rule{
	":Identity":  func(s *step, dy *graph.Value) { s.give(0, dy) },
	":Add":       add,
	":Sub":       sub,
	":Mul":       mul,
	":Div":       div,
	":Max":       maximum,
	":Neg":       func(s *step, dy *graph.Value) { s.give(0, graph.Neg(dy)) },
	":Exp":       func(s *step, dy *graph.Value) { s.give(0, graph.Mul(dy, s.out)) },
	":Log":       func(s *step, dy *graph.Value) { s.give(0, graph.Div(dy, s.in[0])) },
	":Sqrt":      func(s *step, dy *graph.Value) { s.give(0, graph.Div(dy, graph.Add(s.out, s.out))) },
	":Erf":       erf,
	":Sigmoid":   sigmoid,
	":Softplus":  func(s *step, dy *graph.Value) { s.give(0, graph.Mul(dy, graph.Sigmoid(s.in[0]))) },
	":Where":     where,
	":Cast":      func(s *step, dy *graph.Value) { s.give(0, graph.Cast(dy, s.in[0].DType)) },
	":Gelu":      gelu,
	":Softmax":   softmax,
	":ReduceSum": reduceSum, ":ReduceMean": reduceMean, ":ReduceL2": reduceL2,
	":LayerNormalization":                   layerNorm,
	":MatMul":                               matMul,
	":Gemm":                                 gemm,
	":Reshape":                              func(s *step, dy *graph.Value) { s.give(0, graph.Reshape(dy, s.in[0].Shape...)) },
	":Transpose":                            transpose,
	":Slice":                                slice,
	":Concat":                               concat,
	":Pad":                                  pad,
	":Gather":                               gather,
	graph.Microsoft + ":MultiHeadAttention": attention,
}

func add(s *step, dy *graph.Value) {
	for operand := range s.in {
		if s.wants(operand) {
			s.give(operand, dy)
		}
	}
}

func sub(s *step, dy *graph.Value) {
	if s.wants(0) {
		s.give(0, dy)
	}
	if s.wants(1) {
		s.give(1, graph.Neg(dy))
	}
}

func mul(s *step, dy *graph.Value) {
	for operand := range s.in {
		if s.wants(operand) {
			s.give(operand, graph.Mul(dy, s.in[1-operand]))
		}
	}
}

// div: y = a / b, so da = dy / b and db = -dy y / b.
func div(s *step, dy *graph.Value) {
	quotient := graph.Div(dy, s.in[1])
	if s.wants(0) {
		s.give(0, quotient)
	}
	if s.wants(1) {
		s.give(1, graph.Neg(graph.Mul(quotient, s.out)))
	}
}

// maximum gives dy to the larger operand, to the first where both are equal.
func maximum(s *step, dy *graph.Value) {
	second := graph.Greater(s.in[1], s.in[0])
	if s.wants(0) {
		s.give(0, graph.Where(second, s.number(0), dy))
	}
	if s.wants(1) {
		s.give(1, graph.Where(second, dy, s.number(0)))
	}
}

func where(s *step, dy *graph.Value) {
	if s.wants(1) {
		s.give(1, graph.Where(s.in[0], dy, s.number(0)))
	}
	if s.wants(2) {
		s.give(2, graph.Where(s.in[0], s.number(0), dy))
	}
}

// tanh: y' = 1 - y^2.
// sigmoid: y' = y (1 - y).
func sigmoid(s *step, dy *graph.Value) {
	s.give(0, graph.Mul(dy, graph.Mul(s.out, graph.Sub(s.number(1), s.out))))
}

// erf: y' = 2/sqrt(pi) exp(-x^2).
func erf(s *step, dy *graph.Value) {
	const slope = 1.1283791670955126
	bell := graph.Exp(graph.Neg(graph.Mul(s.in[0], s.in[0])))
	s.give(0, graph.Mul(dy, graph.Mul(bell, s.number(slope))))
}

// softmax: dx = y (dy - sum of dy y).
func softmax(s *step, dy *graph.Value) {
	total := graph.ReduceSum(graph.Mul(dy, s.out), true, -1)
	s.give(0, graph.Mul(s.out, graph.Sub(dy, total)))
}

// unbroadcast adds d up over the positions that an operand of the given shape
// was repeated for.
func unbroadcast(d *graph.Value, shape graph.Shape) *graph.Value {
	if d.Shape.Equal(shape) {
		return d
	}
	var axes []int
	missing := len(d.Shape) - len(shape)
	for axis, dim := range d.Shape {
		if axis < missing || (shape[axis-missing] == 1 && dim != 1) {
			axes = append(axes, axis)
		}
	}
	if len(axes) > 0 {
		d = graph.ReduceSum(d, true, axes...)
	}
	return shaped(d, shape)
}
