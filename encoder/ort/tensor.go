package ort

import (
	"fmt"
	"runtime"

	onnx "github.com/yalue/onnxruntime_go"
)

// Tensor is an array with its shape. Exactly one of Floats and Ints is set;
// its length is the product of Shape. Where a model holds float16 or int32,
// Run converts.
type Tensor struct {
	Shape  []int64
	Floats []float32
	Ints   []int64
}

// Floats returns a tensor of fractions of the given shape.
func Floats(values []float32, shape ...int64) Tensor { return Tensor{Shape: shape, Floats: values} }

// Ints returns a tensor of integers of the given shape.
func Ints(values []int64, shape ...int64) Tensor { return Tensor{Shape: shape, Ints: values} }

// check demands that the tensor fits the port and holds what its shape says.
func (t Tensor) check(port Port) error {
	if err := port.accepts(t.Shape); err != nil {
		return err
	}
	length, other := len(t.Floats), len(t.Ints)
	if port.element().whole() {
		length, other = other, length
	}
	if int64(length) != elements(t.Shape) || other > 0 {
		return fmt.Errorf("input %q: %d values do not fill shape %v of %v", port.Name, length, t.Shape, port.element())
	}
	return nil
}

func elements(shape []int64) int64 {
	product := int64(1)
	for _, dim := range shape {
		product *= dim
	}
	return product
}

// value hands the tensor to the library, without copying where the types
// agree. The memory is pinned: the library keeps the pointer until the value
// is destroyed.
func (t Tensor) value(port Port, pinner *runtime.Pinner) (onnx.Value, error) {
	switch port.element() {
	case Int64:
		return pinned(t.Shape, t.Ints, pinner)
	case Int32:
		narrowed, err := narrow(t.Ints)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", port.Name, err)
		}
		return pinned(t.Shape, narrowed, pinner)
	case Float16:
		return pinnedBytes(t.Shape, bytesOf(toHalves(t.Floats)), Float16, pinner)
	default:
		return pinned(t.Shape, t.Floats, pinner)
	}
}

func pinned[T float32 | int32 | int64](shape []int64, values []T, pinner *runtime.Pinner) (onnx.Value, error) {
	pinner.Pin(&values[0])
	return onnx.NewTensor(onnx.Shape(shape), values)
}

func pinnedBytes(shape []int64, memory []byte, element ElementType, pinner *runtime.Pinner) (onnx.Value, error) {
	pinner.Pin(&memory[0])
	return onnx.NewCustomDataTensor(onnx.Shape(shape), memory, onnx.TensorElementDataType(element))
}

// take copies a result out of the library's memory, which Destroy frees.
func take(port Port, value onnx.Value) (Tensor, error) {
	switch tensor := value.(type) {
	case *onnx.Tensor[float32]:
		return Tensor{Shape: tensor.GetShape(), Floats: tensor.GetData()}, nil
	case *onnx.Tensor[int64]:
		return Tensor{Shape: tensor.GetShape(), Ints: tensor.GetData()}, nil
	case *onnx.Tensor[int32]:
		return Tensor{Shape: tensor.GetShape(), Ints: widen(tensor.GetData())}, nil
	default:
		return Tensor{}, fmt.Errorf("output %q has the unsupported type %T", port.Name, value)
	}
}
