package graph

import (
	"fmt"
	"slices"
	"strings"
)

// DType is the element type of a value, numbered as in ONNX TensorProto.
type DType int32

// The element types that Polylens graphs use.
const (
	Float32  DType = 1
	Uint8    DType = 2
	Int8     DType = 3
	Int32    DType = 6
	Int64    DType = 7
	Bool     DType = 9
	Float16  DType = 10
	BFloat16 DType = 16
)

// Size is the number of bytes of one element.
func (t DType) Size() int64 {
	switch t {
	case Int64:
		return 8
	case Float32, Int32:
		return 4
	case Float16, BFloat16:
		return 2
	default:
		return 1
	}
}

func (t DType) String() string {
	names := map[DType]string{
		Float32: "float32", Uint8: "uint8", Int8: "int8", Int32: "int32", Int64: "int64", Bool: "bool",
		Float16: "float16", BFloat16: "bfloat16",
	}
	if name, ok := names[t]; ok {
		return name
	}
	return fmt.Sprintf("dtype(%d)", int32(t))
}

// Batch is the one symbolic dimension, B.
const Batch int64 = -1

// Shape lists the dimensions of a value. A negative dimension -k stands for k
// times the batch size, so that [64B, D], a batch of 64 tokens flattened to
// rows, keeps an exact shape: {-64, D}.
type Shape []int64

func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, dim := range s {
		parts[i] = dimName(dim)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func dimName(dim int64) string {
	switch {
	case dim >= 0:
		return fmt.Sprint(dim)
	case dim == Batch:
		return "B"
	default:
		return fmt.Sprintf("%dB", -dim)
	}
}

// Equal reports whether both shapes have the same dimensions.
func (s Shape) Equal(other Shape) bool { return slices.Equal(s, other) }

// Elements returns the number of elements as coefficient times B to the power
// symbolic.
func (s Shape) Elements() (coefficient int64, symbolic int) {
	coefficient = 1
	for _, dim := range s {
		if dim < 0 {
			symbolic++
			dim = -dim
		}
		coefficient *= dim
	}
	return coefficient, symbolic
}

// Concrete returns the shape for a given batch size.
func (s Shape) Concrete(batch int64) []int64 {
	concrete := make([]int64, len(s))
	for i, dim := range s {
		if dim < 0 {
			dim = -dim * batch
		}
		concrete[i] = dim
	}
	return concrete
}

// broadcast returns the shape of an elementwise operation by the rules of
// ONNX (and NumPy): dimensions align at the right, and 1 stretches.
func broadcast(op string, a, b Shape) Shape {
	rank := max(len(a), len(b))
	result := make(Shape, rank)
	for i := range rank {
		left, right := dimFromRight(a, rank-1-i), dimFromRight(b, rank-1-i)
		switch {
		case left == right || right == 1:
			result[i] = left
		case left == 1:
			result[i] = right
		default:
			fail(op, "shapes %v and %v do not broadcast", a, b)
		}
	}
	return result
}

func dimFromRight(s Shape, fromRight int) int64 {
	if fromRight >= len(s) {
		return 1
	}
	return s[len(s)-1-fromRight]
}

// axisOf turns a possibly negative axis into an index of shape.
func axisOf(op string, shape Shape, axis int) int {
	index := axis
	if index < 0 {
		index += len(shape)
	}
	if index < 0 || index >= len(shape) {
		fail(op, "axis %d is outside shape %v", axis, shape)
	}
	return index
}
