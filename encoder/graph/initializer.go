package graph

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Initializer is the content of a constant: raw little-endian bytes kept in
// the model, or a byte range of a file beside it.
type Initializer struct {
	Raw      []byte
	External *External
}

// External is a byte range of a file. The graph stores the reference alone, so
// weights are read by the runtime straight from where they lie.
type External struct {
	Location       string // relative to the folder given to the runtime
	Offset, Length int64
}

// External declares a constant whose bytes lie in a file. The shape must be
// static and account for exactly the bytes of the range.
func (g *Graph) External(name string, dtype DType, shape Shape, at External) *Value {
	elements, symbolic := shape.Elements()
	if symbolic > 0 || elements*dtype.Size() != at.Length {
		fail("External", "%s: %v of shape %v does not fill the %d bytes of %s", name, dtype, shape, at.Length, at.Location)
	}
	g.claim(name)
	return g.initializer(name, dtype, shape, Initializer{External: &at})
}

// Floats declares a constant kept in the model.
func (g *Graph) Floats(shape Shape, values ...float32) *Value {
	raw := make([]byte, 0, 4*len(values))
	for _, value := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(value))
	}
	return g.inline(Float32, shape, raw, len(values))
}

// Ints declares a vector of int64 kept in the model.
func (g *Graph) Ints(values ...int64) *Value {
	return g.IntsOf(Shape{int64(len(values))}, values...)
}

// IntsOf declares an int64 constant of the given shape kept in the model.
func (g *Graph) IntsOf(shape Shape, values ...int64) *Value {
	raw := make([]byte, 0, 8*len(values))
	for _, value := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(value))
	}
	return g.inline(Int64, shape, raw, len(values))
}

// inline shares equal constants: the same few shapes recur in every layer.
func (g *Graph) inline(dtype DType, shape Shape, raw []byte, elements int) *Value {
	if expected, symbolic := shape.Elements(); symbolic > 0 || expected != int64(elements) {
		fail("Constant", "%d values do not fill shape %v", elements, shape)
	}
	key := fmt.Sprint(dtype, shape, string(raw))
	if constant, ok := g.constants[key]; ok {
		return constant
	}
	constant := g.initializer(g.unique("constant"), dtype, shape, Initializer{Raw: raw})
	g.constants[key] = constant
	return constant
}

func (g *Graph) initializer(name string, dtype DType, shape Shape, content Initializer) *Value {
	value := &Value{Name: name, DType: dtype, Shape: shape, Initializer: &content, graph: g}
	g.Initializers = append(g.Initializers, value)
	return value
}
