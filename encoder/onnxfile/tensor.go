package onnxfile

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"polylens/encoder/graph"
)

// layout is how the elements of a type are stored. Sub-byte types put several
// elements into a byte, and as many into one number of the typed field.
type layout struct {
	name  string
	bits  int64
	field protowire.Number // that holds typed data
}

const (
	floatData  = protowire.Number(4)
	int32Data  = protowire.Number(5)
	int64Data  = protowire.Number(7)
	doubleData = protowire.Number(10)
	uint64Data = protowire.Number(11)
)

// layouts of the types that ONNX Runtime stores. Strings and complex numbers
// are left out: an encoder has no use for them.
var layouts = map[graph.DType]layout{
	1: {"float32", 32, floatData}, 2: {"uint8", 8, int32Data}, 3: {"int8", 8, int32Data},
	4: {"uint16", 16, int32Data}, 5: {"int16", 16, int32Data}, 6: {"int32", 32, int32Data},
	7: {"int64", 64, int64Data}, 9: {"bool", 8, int32Data}, 10: {"float16", 16, int32Data},
	11: {"float64", 64, doubleData}, 12: {"uint32", 32, uint64Data}, 13: {"uint64", 64, uint64Data},
	16: {"bfloat16", 16, int32Data}, 17: {"float8e4m3fn", 8, int32Data}, 18: {"float8e4m3fnuz", 8, int32Data},
	19: {"float8e5m2", 8, int32Data}, 20: {"float8e5m2fnuz", 8, int32Data}, 21: {"uint4", 4, int32Data},
	22: {"int4", 4, int32Data}, 23: {"float4e2m1", 4, int32Data}, 24: {"float8e8m0", 8, int32Data},
	25: {"uint2", 2, int32Data}, 26: {"int2", 2, int32Data},
}

// tensor is a TensorProto that was checked in itself.
type tensor struct {
	where    string // what it is in the model, for errors
	name     string
	bytes    int64
	external *external // nil when the values are in the model
}

// tensorReader collects the fields of a TensorProto.
type tensorReader struct {
	tensor
	dims     []int64
	dtype    graph.DType
	raw      message
	hasRaw   bool
	values   map[protowire.Number]int64 // counts of the typed fields
	entries  []message                  // of external_data
	location int64
}

// decodeTensor reads a tensor and checks that its values fill its shape.
func (d *decoder) decodeTensor(m message, where string) (*tensor, error) {
	if err := d.take("tensors"); err != nil {
		return nil, err
	}
	r := tensorReader{values: map[protowire.Number]int64{}}
	err := m.each(tensorFields, r.visit)
	r.where = where
	if r.name != "" {
		r.where = fmt.Sprintf("%s %q", where, r.name)
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, &FileError{Tensor: r.where, Err: err}
	}
	d.tensors = append(d.tensors, &r.tensor)
	return &r.tensor, nil
}

func (r *tensorReader) visit(f field) (err error) {
	switch f.number {
	case 1:
		return f.eachInteger(func(dim int64) error {
			r.dims = append(r.dims, dim)
			return checkRank(len(r.dims))
		})
	case 2:
		var dtype int32
		dtype, err = f.int32()
		r.dtype = graph.DType(dtype)
	case 3:
		return errors.New("is stored in segments, which ONNX Runtime does not read")
	case 6:
		return errors.New("holds strings, which an encoder has no use for")
	case 8:
		r.name, err = f.name()
	case 9:
		r.raw, r.hasRaw = f.content, true
	case 13:
		r.entries = append(r.entries, f.content)
		if len(r.entries) > 4 {
			return errors.New("has more than four entries of external data")
		}
	case 14:
		r.location = f.integer
	case 16:
		return f.content.each(entryFields, ignore)
	default:
		return r.count(f)
	}
	return err
}

// count adds up the values of the typed fields.
func (r *tensorReader) count(f field) (err error) {
	var count int64
	switch f.number {
	case floatData:
		count, err = f.fixed(4)
	case doubleData:
		count, err = f.fixed(8)
	case int32Data, int64Data, uint64Data:
		err = f.eachInteger(func(int64) error { count++; return nil })
	}
	r.values[f.number] += count
	return err
}

func (r *tensorReader) check() error {
	layout, known := layouts[r.dtype]
	if !known {
		return fmt.Errorf("has the type %d, which is unknown or of no use to an encoder", r.dtype)
	}
	elements, err := product(r.dims)
	if err != nil {
		return err
	}
	r.bytes = (elements*layout.bits + 7) / 8
	switch r.location {
	case 0:
		if len(r.entries) > 0 {
			return errors.New("names external data, but says that its values are in the model")
		}
		return r.checkInline(layout, elements)
	case 1:
		return r.checkExternal()
	default:
		return fmt.Errorf("has the unknown data location %d", r.location)
	}
}

func (r *tensorReader) checkInline(layout layout, elements int64) error {
	if r.hasRaw {
		if len(r.values) > 0 {
			return errors.New("has both raw and typed values")
		}
		if int64(len(r.raw)) != r.bytes {
			return fmt.Errorf("has %d bytes of values, but %s of shape %v needs %d", len(r.raw), layout.name, r.dims, r.bytes)
		}
		return nil
	}
	for field := range r.values {
		if field != layout.field {
			return fmt.Errorf("has values of another type than %s", layout.name)
		}
	}
	needed := elements
	if layout.bits < 8 {
		needed = r.bytes
	}
	if got := r.values[layout.field]; got != needed {
		return fmt.Errorf("has %d values, but %s of shape %v needs %d", got, layout.name, r.dims, needed)
	}
	return nil
}

func (r *tensorReader) checkExternal() (err error) {
	if r.hasRaw || len(r.values) > 0 {
		return errors.New("has values in the model and external ones")
	}
	r.external, err = decodeExternal(r.entries)
	if err != nil {
		return err
	}
	if length := r.external.length; length >= 0 && length != r.bytes {
		return fmt.Errorf("takes %d bytes of %q, but its type and shape %v need %d", length, r.external.location, r.dims, r.bytes)
	}
	return nil
}

func checkRank(rank int) error {
	if rank > maxRank {
		return fmt.Errorf("has more than %d dimensions", maxRank)
	}
	return nil
}

// product is the number of elements of a shape. It is small enough to be
// multiplied by the bits of an element. A zero does not excuse the dimensions
// beside it: other programs multiply in their own order.
func product(dims []int64) (int64, error) {
	elements, empty := int64(1), false
	for _, dim := range dims {
		if dim < 0 {
			return 0, fmt.Errorf("has the negative dimension %d", dim)
		}
		if dim == 0 {
			empty = true
			continue
		}
		if elements > math.MaxInt64/64/dim {
			return 0, fmt.Errorf("has the shape %v, which overflows", dims)
		}
		elements *= dim
	}
	if empty {
		return 0, nil
	}
	return elements, nil
}
