package safetensors

import (
	"fmt"
	"math"
)

// DType is an element type as the header spells it, for example "F32".
type DType string

// The element types that Polylens reads as weights.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I8   DType = "I8" // quantized
)

// sizes holds the bytes of one element of every type of the format.
var sizes = map[DType]int64{
	"BOOL": 1, "U8": 1, I8: 1, "F8_E5M2": 1, "F8_E4M3": 1,
	"U16": 2, "I16": 2, F16: 2, BF16: 2,
	"U32": 4, "I32": 4, F32: 4,
	"U64": 8, "I64": 8, "F64": 8,
}

// Tensor says where the bytes of one tensor lie.
type Tensor struct {
	Name   string
	DType  DType
	Shape  []int64
	File   string // relative to the directory that was opened
	Offset int64  // from the start of the file
	Length int64  // bytes
}

// Elements is the number of elements of the tensor.
func (t Tensor) Elements() int64 { return t.Length / sizes[t.DType] }

// span returns the bytes that dtype and shape account for.
func span(dtype DType, shape []int64) (int64, error) {
	bytes, known := sizes[dtype]
	if !known {
		return 0, fmt.Errorf("has the unknown type %q", dtype)
	}
	if len(shape) > maxRank {
		return 0, fmt.Errorf("has %d dimensions, more than %d", len(shape), maxRank)
	}
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("has the negative dimension %d", dim)
		}
		if dim > 0 && bytes > math.MaxInt64/dim {
			return 0, fmt.Errorf("has the shape %v, which overflows", shape)
		}
		bytes *= dim
	}
	return bytes, nil
}
