package ort

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
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

// whole tells integers from fractions.
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
		halves[i] = toHalf(value)
	}
	return halves
}

func fromHalves(halves []uint16) []float32 {
	values := make([]float32, len(halves))
	for i, half := range halves {
		values[i] = fromHalf(half)
	}
	return values
}

// toHalf rounds to the nearest IEEE 754 binary16, ties to even; what is too
// large becomes infinite.
func toHalf(value float32) uint16 {
	bits := math.Float32bits(value)
	sign := uint16(bits>>16) & 0x8000
	magnitude := bits &^ (1 << 31)
	switch {
	case magnitude > 0x7f800000: // not a number
		return sign | 0x7e00
	case magnitude >= 0x477ff000: // 65520 and more
		return sign | 0x7c00
	case magnitude < 0x38800000: // below 2^-14: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(magnitude))*0x1p24))
	default:
		rounded := magnitude + 0xfff + magnitude>>13&1
		return sign | uint16(rounded>>13-(127-15)<<10)
	}
}

// fromHalf is the exact value of an IEEE 754 binary16.
func fromHalf(half uint16) float32 {
	sign := uint32(half&0x8000) << 16
	magnitude := uint32(half&0x7fff) << 13
	if half&0x7c00 == 0x7c00 { // infinite, or not a number
		return math.Float32frombits(sign | 0x7f800000 | magnitude)
	}
	value := math.Float32frombits(magnitude) * 0x1p112 // moves the exponent, of subnormals too
	return math.Float32frombits(sign | math.Float32bits(value))
}

// bytesOf is the memory of values, which must not be empty.
func bytesOf[T uint16 | uint64](values []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), len(values)*int(unsafe.Sizeof(values[0])))
}
