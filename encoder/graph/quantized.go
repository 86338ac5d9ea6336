package graph

// Quantized is a tensor in 8 bits: x is about scale * (values - zero point),
// with one scale and one zero point for all of it.
type Quantized struct {
	Values    *Value // uint8, the shape of x
	Scale     *Value // float32, scalar
	ZeroPoint *Value // uint8, scalar
}

// DynamicQuantize quantizes x to the range that it turns out to have, zero
// included, as ONNX DynamicQuantizeLinear defines it.
func DynamicQuantize(x *Value) Quantized {
	if x.DType != Float32 {
		fail("DynamicQuantizeLinear", "%v is not float32", x)
	}
	outputs := x.graph.Apply(Node{Op: "DynamicQuantizeLinear", Inputs: []*Value{x}},
		Type{Uint8, x.Shape}, Type{Float32, Shape{}}, Type{Uint8, Shape{}})
	return Quantized{outputs[0], outputs[1], outputs[2]}
}

// QuantizedLinear is a fully connected layer in 8-bit integers: x quantized
// rows [M, K], weight int8 [K, N] with one scale for each output [N], bias [N];
// the result is float32 [M, N]. Sums are exact in 32 bits. It is ONNX Runtime's
// own operator, which fuses the way back to float32.
func QuantizedLinear(x Quantized, weight, scale, bias *Value) *Value {
	const op = "MatMulIntegerToFloat"
	if len(x.Values.Shape) != 2 || len(weight.Shape) != 2 || weight.DType != Int8 || x.Values.Shape[1] != weight.Shape[0] {
		fail(op, "rows %v do not fit weight %v", x.Values, weight)
	}
	outputs := Shape{weight.Shape[1]}
	if !scale.Shape.Equal(outputs) || !bias.Shape.Equal(outputs) {
		fail(op, "scale %v and bias %v do not fit weight %v", scale, bias, weight)
	}
	node := Node{Op: op, Domain: Microsoft, Inputs: []*Value{x.Values, weight, x.Scale, scale, x.ZeroPoint, nil, bias}}
	return apply(node, Type{Float32, Shape{x.Values.Shape[0], weight.Shape[1]}})
}
