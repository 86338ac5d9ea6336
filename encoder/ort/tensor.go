package ort

import (
	"fmt"
	"runtime"

	onnx "github.com/yalue/onnxruntime_go"
)

// Tensor is an array with its shape. Exactly one of Floats and Ints is set;
// its length is the product of Shape.
type Tensor struct {
	Shape  []int64
	Floats []float32
	Ints   []int64
}

// Floats returns a float32 tensor of the given shape.
func Floats(values []float32, shape ...int64) Tensor { return Tensor{Shape: shape, Floats: values} }

// Ints returns an int64 tensor of the given shape.
func Ints(values []int64, shape ...int64) Tensor { return Tensor{Shape: shape, Ints: values} }

// check demands that the tensor fits the port and holds what its shape says.
func (t Tensor) check(port Port) error {
	if err := port.accepts(t.Shape); err != nil {
		return err
	}
	length := len(t.Floats)
	if port.Ints {
		length = len(t.Ints)
	}
	elements := int64(1)
	for _, dim := range t.Shape {
		elements *= dim
	}
	if int64(length) != elements || (port.Ints && t.Floats != nil) || (!port.Ints && t.Ints != nil) {
		return fmt.Errorf("input %q: %d values do not fill shape %v", port.Name, length, t.Shape)
	}
	return nil
}

// value hands the tensor to the library without copying. The memory is pinned:
// the library keeps the pointer until the value is destroyed.
func (t Tensor) value(pinner *runtime.Pinner) (onnx.Value, error) {
	if t.Ints != nil {
		pinner.Pin(&t.Ints[0])
		return onnx.NewTensor(onnx.Shape(t.Shape), t.Ints)
	}
	pinner.Pin(&t.Floats[0])
	return onnx.NewTensor(onnx.Shape(t.Shape), t.Floats)
}

// take copies a result out of the library's memory, which Destroy frees.
func take(port Port, value onnx.Value) (Tensor, error) {
	switch tensor := value.(type) {
	case *onnx.Tensor[float32]:
		values := append([]float32(nil), tensor.GetData()...)
		return Tensor{Shape: tensor.GetShape(), Floats: values}, nil
	case *onnx.Tensor[int64]:
		values := append([]int64(nil), tensor.GetData()...)
		return Tensor{Shape: tensor.GetShape(), Ints: values}, nil
	default:
		return Tensor{}, fmt.Errorf("output %q has the unsupported type %T", port.Name, value)
	}
}
