package graph

// Add returns a + b, broadcast.
func Add(a, b *Value) *Value { return elementwise("Add", a, b) }

// Sub returns a - b, broadcast.
func Sub(a, b *Value) *Value { return elementwise("Sub", a, b) }

// Mul returns a * b elementwise, broadcast.
func Mul(a, b *Value) *Value { return elementwise("Mul", a, b) }

// Div returns a / b elementwise, broadcast.
func Div(a, b *Value) *Value { return elementwise("Div", a, b) }

// Max returns the larger of a and b elementwise, broadcast.
func Max(a, b *Value) *Value { return elementwise("Max", a, b) }

func elementwise(op string, a, b *Value) *Value {
	if a.DType != b.DType {
		fail(op, "operands have different types: %v and %v", a, b)
	}
	return apply(Node{Op: op, Inputs: []*Value{a, b}}, Type{a.DType, broadcast(op, a.Shape, b.Shape)})
}

// Cast converts x to another element type; x itself when it has that type.
func Cast(x *Value, to DType) *Value {
	if x.DType == to {
		return x
	}
	return apply(Node{Op: "Cast", Inputs: []*Value{x}, Attributes: []Attribute{{"to", int64(to)}}}, Type{to, x.Shape})
}
