package graph

// Exp returns e^x elementwise.
func Exp(x *Value) *Value { return unary("Exp", x) }

// Log returns the natural logarithm of x elementwise.
func Log(x *Value) *Value { return unary("Log", x) }

// Sqrt returns the square root of x elementwise.
func Sqrt(x *Value) *Value { return unary("Sqrt", x) }

// Erf returns the error function of x elementwise.
func Erf(x *Value) *Value { return unary("Erf", x) }

// Sigmoid returns 1 / (1 + e^-x) elementwise.
func Sigmoid(x *Value) *Value { return unary("Sigmoid", x) }

// Neg returns -x elementwise.
func Neg(x *Value) *Value { return unary("Neg", x) }

// Softplus returns log(1 + e^x) elementwise, without overflow.
func Softplus(x *Value) *Value { return unary("Softplus", x) }

func unary(op string, x *Value) *Value {
	return apply(Node{Op: op, Inputs: []*Value{x}}, Type{x.DType, x.Shape})
}

// Greater is true, elementwise and broadcast, where a > b.
func Greater(a, b *Value) *Value { return compare("Greater", a, b) }

// Equal is true, elementwise and broadcast, where a = b.
func Equal(a, b *Value) *Value { return compare("Equal", a, b) }

func compare(op string, a, b *Value) *Value {
	if a.DType != b.DType {
		fail(op, "operands have different types: %v and %v", a, b)
	}
	return apply(Node{Op: op, Inputs: []*Value{a, b}}, Type{Bool, broadcast(op, a.Shape, b.Shape)})
}

// Where takes a where condition holds and b elsewhere, broadcast.
func Where(condition, a, b *Value) *Value {
	if condition.DType != Bool || a.DType != b.DType {
		fail("Where", "cannot choose by %v between %v and %v", condition, a, b)
	}
	shape := broadcast("Where", condition.Shape, broadcast("Where", a.Shape, b.Shape))
	return apply(Node{Op: "Where", Inputs: []*Value{condition, a, b}}, Type{a.DType, shape})
}
