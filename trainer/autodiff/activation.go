package autodiff

import (
	"math"

	"polylens/encoder/graph"
)

// gelu keeps its operand alone: what it computes on the way is cheap to compute
// once more and large to keep.
func gelu(s *step, dy *graph.Value) {
	if s.node.Attribute("approximate") == "tanh" {
		s.give(0, graph.Mul(dy, geluTanhSlope(s)))
		return
	}
	s.give(0, graph.Mul(dy, geluSlope(s)))
}

// geluTanhSlope is the derivative of 0.5 x (1 + tanh u), u = c (x + a x^3):
// 0.5 (1 + tanh u) + 0.5 x (1 - tanh^2 u) u'. With s = sigmoid 2u, which is
// 0.5 (1 + tanh u), this is s + x s (1 - s) 2u' = s (1 + (1 - s) 2 x u'), and
// 2 x u' = 2c x (1 + 3a x^2).
func geluTanhSlope(s *step) *graph.Value {
	const a = 0.044715
	c := float32(2 * math.Sqrt(2/math.Pi))
	x := s.in[0]
	square := graph.Mul(x, x)
	line := graph.Mul(x, s.number(c))
	half := graph.Sigmoid(graph.Mul(line, graph.Add(graph.Mul(square, s.number(a)), s.number(1))))
	steep := graph.Mul(line, graph.Add(graph.Mul(square, s.number(3*a)), s.number(1)))
	return graph.Mul(half, graph.Add(graph.Mul(graph.Sub(s.number(1), half), steep), s.number(1)))
}

// geluSlope is the derivative of x Phi(x): Phi(x) + x phi(x), with Phi and phi
// the distribution function and the density of the normal distribution.
func geluSlope(s *step) *graph.Value {
	x := s.in[0]
	share := graph.Erf(graph.Mul(x, s.number(float32(math.Sqrt(0.5)))))
	share = graph.Mul(graph.Add(share, s.number(1)), s.number(0.5))
	density := graph.Exp(graph.Mul(graph.Mul(x, x), s.number(-0.5)))
	density = graph.Mul(density, s.number(float32(1/math.Sqrt(2*math.Pi))))
	return graph.Add(share, graph.Mul(x, density))
}
