package onnxfile

import (
	"errors"
	"fmt"

	"polylens/encoder/graph"
)

// Port is an input or output of a model.
type Port struct {
	Name  string
	DType graph.DType // 0 when it is no tensor
	Shape []Dim       // nil when not even the number of dimensions is given
}

// Dim is a dimension of a Port: a fixed size, or -1 with a name or without.
type Dim struct {
	Size int64
	Name string
}

func (p Port) String() string {
	text := fmt.Sprintf("%s %v", p.Name, p.DType)
	if p.Shape == nil {
		return text
	}
	text += "["
	for i, dim := range p.Shape {
		if i > 0 {
			text += ", "
		}
		text += dim.String()
	}
	return text + "]"
}

func (d Dim) String() string {
	switch {
	case d.Size >= 0:
		return fmt.Sprint(d.Size)
	case d.Name != "":
		return d.Name
	default:
		return "?"
	}
}

// decodeValue reads a ValueInfoProto and appends it to ports.
func (d *decoder) decodeValue(m message, ports *[]Port) error {
	if err := d.take("values"); err != nil {
		return err
	}
	port, err := decodePort(m)
	*ports = append(*ports, port)
	return err
}

func decodePort(m message) (Port, error) {
	var name string
	var port Port
	err := m.each(valueFields, func(f field) (err error) {
		switch f.number {
		case 1:
			name, err = f.name()
		case 2:
			port, err = decodeType(f.content, 0)
		case 4:
			err = f.content.each(entryFields, ignore)
		}
		return err
	})
	port.Name = name
	if err != nil {
		return port, fmt.Errorf("has the value %q, which %w", name, err)
	}
	return port, nil
}

// decodeType reads a TypeProto and returns it as a port without a name, which
// has no DType unless the type is a dense tensor.
func decodeType(m message, depth int) (Port, error) {
	if depth >= maxDepth {
		return Port{}, fmt.Errorf("has types nested more than %d deep", maxDepth)
	}
	var port Port
	known := 0
	err := m.each(typeFields, func(f field) (err error) {
		if f.number != 6 { // the denotation
			known++
		}
		switch f.number {
		case 1:
			port, err = decodeTensorType(f.content)
		case 4, 9: // sequence, optional
			err = f.content.each(elementFields, func(f field) error {
				_, err := decodeType(f.content, depth+1)
				return err
			})
		case 5, 7, 8: // map, opaque, sparse
			err = errors.New("has the type of a map, a sparse tensor or an opaque object, which is refused")
		}
		return err
	})
	if err == nil && known > 1 {
		err = errors.New("has more than one type")
	}
	return port, err
}

func decodeTensorType(m message) (Port, error) {
	var port Port
	err := m.each(tensorTypeFields, func(f field) (err error) {
		if f.number == 1 {
			var dtype int32
			dtype, err = f.int32()
			port.DType = graph.DType(dtype)
			return err
		}
		port.Shape, err = decodeShape(f.content)
		return err
	})
	return port, err
}

// decodeShape reads a shape. Sizes are believed only where they are compared;
// nothing is allocated for them, here or in the runtime.
func decodeShape(m message) ([]Dim, error) {
	shape := []Dim{}
	var fixed []int64
	err := m.each(shapeFields, func(f field) error {
		dim, err := decodeDim(f.content)
		if dim.Size >= 0 {
			fixed = append(fixed, dim.Size)
		}
		shape = append(shape, dim)
		return errors.Join(err, checkRank(len(shape)))
	})
	if err != nil {
		return nil, err
	}
	_, err = product(fixed)
	return shape, err
}

func decodeDim(m message) (Dim, error) {
	dim := Dim{Size: -1}
	err := m.each(dimFields, func(f field) (err error) {
		switch f.number {
		case 1:
			dim.Size = max(f.integer, -1) // exporters write -1 for an unknown size
		case 2:
			dim.Name, err = f.name()
		}
		return err
	})
	if dim.Name != "" && dim.Size >= 0 {
		err = errors.Join(err, errors.New("has a dimension that is both fixed and named"))
	}
	return dim, err
}
