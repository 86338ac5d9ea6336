package ort

import (
	"fmt"
	"slices"
	"unsafe"

	"polylens/encoder/half"
)

// ElementType is the type of a tensor's numbers, numbered as in ONNX TensorProto.
type ElementType int32

// The element types that models take and give.
const (
	Float32 ElementType = 1
	Int32   ElementType = 6
	Int64   ElementType = 7
	Float16 ElementType = 10
)

func (t ElementType) String() string {
	switch t {
	case Float32:
		return "float32"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Float16:
		return "float16"
	default:
		return fmt.Sprintf("ONNX type %d", int32(t))
	}
}

func (t ElementType) known() bool {
	return slices.Contains([]ElementType{Float32, Int32, Int64, Float16}, t)
}

// whole reports whether the type is one of integers.
func (t ElementType) whole() bool { return t == Int32 || t == Int64 }

// size is the number of bytes of one element.
func (t ElementType) size() int64 {
	switch t {
	case Int64:
		return 8
	case Float16:
		return 2
	default:
		return 4
	}
}

// narrow converts to int32 what a model takes so.
func narrow(values []int64) ([]int32, error) {
	narrowed := make([]int32, len(values))
	for i, value := range values {
		if value != int64(int32(value)) {
			return nil, fmt.Errorf("value %d at position %d does not fit into int32", value, i)
		}
		narrowed[i] = int32(value)
	}
	return narrowed, nil
}

func widen(values []int32) []int64 {
	widened := make([]int64, len(values))
	for i, value := range values {
		widened[i] = int64(value)
	}
	return widened
}

func toHalves(values []float32) []uint16 {
	halves := make([]uint16, len(values))
	for i, value := range values {
		halves[i] = half.To(value)
	}
	return halves
}

func fromHalves(halves []uint16) []float32 {
	values := make([]float32, len(halves))
	for i, bits := range halves {
		values[i] = half.From(bits)
	}
	return values
}

// bytesOf is the memory of values, which must not be empty.
func bytesOf[T uint16 | uint64](values []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*int(unsafe.Sizeof(values[0])))
}
