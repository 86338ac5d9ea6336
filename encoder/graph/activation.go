package graph

// Gelu is x * Phi(x), with Phi the normal distribution function, exact.
func Gelu(x *Value) *Value { return gelu(x, "none") }

// GeluTanh is the tanh approximation of Gelu,
// 0.5x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), that SigLIP is trained with.
func GeluTanh(x *Value) *Value { return gelu(x, "tanh") }

func gelu(x *Value, approximate string) *Value {
	node := Node{Op: "Gelu", Inputs: []*Value{x}, Attributes: []Attribute{{"approximate", approximate}}}
	return apply(node, Type{x.DType, x.Shape})
}
