package autodiff

import (
	"math"

	"polylens/encoder/graph"
)

// gelu keeps only its operand: what it computes on the way is cheap to compute again
// and large to keep.
func gelu(s *step, dy *graph.Value) {
	slope := geluSlope
	if s.node.Attribute("approximate") == "tanh" {
		slope = geluTanhSlope
	}
	s.give(0, inPieces(dy.Shape, func(cut cutter) []*graph.Value {
		return []*graph.Value{graph.Mul(cut(dy), slope(s, cut(s.in[0])))}
	})[0])
}

// geluTanhSlope is the derivative of 0.5 x (1 + tanh u), u = c (x + a x^3):
// 0.5 (1 + tanh u) + 0.5 x (1 - tanh^2 u) u'. With s = sigmoid 2u, which is
// 0.5 (1 + tanh u), this is s + x s (1 - s) 2u' = s (1 + (1 - s) 2 x u'), where
// 2u = x (2c + 2ca x^2) and 2 x u' = x (2c + 6ca x^2).
func geluTanhSlope(s *step, x *graph.Value) *graph.Value {
	const a = 0.044715
	c := 2 * math.Sqrt(2/math.Pi)
	square := graph.Mul(x, x)
	cubic := func(factor float64) *graph.Value {
		return graph.Mul(x, graph.Add(graph.Mul(square, s.number(float32(c*factor))), s.number(float32(c))))
	}
	half := graph.Sigmoid(cubic(a))
	rest := graph.Sub(s.number(1), half)
	return graph.Mul(half, graph.Add(graph.Mul(rest, cubic(3*a)), s.number(1)))
}

// geluSlope is the derivative of x Phi(x): Phi(x) + x phi(x), with Phi and phi
// the distribution function and the density of the normal distribution.
func geluSlope(s *step, x *graph.Value) *graph.Value {
	share := graph.Erf(graph.Mul(x, s.number(float32(math.Sqrt(0.5)))))
	share = graph.Mul(graph.Add(share, s.number(1)), s.number(0.5))
	density := graph.Exp(graph.Mul(graph.Mul(x, x), s.number(-0.5)))
	density = graph.Mul(density, s.number(float32(1/math.Sqrt(2*math.Pi))))
	return graph.Add(share, graph.Mul(x, density))
}
