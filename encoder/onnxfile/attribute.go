package onnxfile

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// attribute is an AttributeProto without its values.
type attribute struct {
	name      string
	reference string // the parameter of a function that it takes its value from
	kind      int64
	holds     map[protowire.Number]bool // the fields with values
}

// decodeAttribute reads one attribute of a node and returns its name.
func (d *decoder) decodeAttribute(n *node, m message, depth int) (string, error) {
	a := attribute{holds: map[protowire.Number]bool{}}
	err := m.each(attributeFields, a.visit)
	if err == nil {
		err = a.check(d.parameters)
	}
	if err != nil {
		return "", fmt.Errorf("has the attribute %q, which %w", a.name, err)
	}
	where := fmt.Sprintf("attribute %q of node %q", a.name, n.label)
	return a.name, m.each(attributeFields, func(f field) error {
		return d.decodeAttributeValue(n, f, where, depth)
	})
}

func (a *attribute) visit(f field) (err error) {
	switch f.number {
	case 1:
		a.name, err = f.name()
	case 13: // documentation
	case 20:
		a.kind = f.integer
	case 21:
		a.reference, err = f.name()
	default:
		a.holds[f.number] = true
	}
	return err
}

// check demands that an attribute holds what its kind says and nothing else.
func (a *attribute) check(parameters map[string]bool) error {
	number, known := attributeValues[a.kind]
	switch {
	case a.name == "":
		return errors.New("has no name")
	case !known:
		return fmt.Errorf("has the unknown kind %d", a.kind)
	case a.reference != "" && (!parameters[a.reference] || len(a.holds) > 0):
		return fmt.Errorf("refers to %q, which is no parameter of a function around it", a.reference)
	case a.reference != "":
		return nil
	case len(a.holds) > 1 || len(a.holds) == 1 && !a.holds[number]:
		return errors.New("holds values of another kind than it says")
	case attributeFields[number] == embedded && !a.holds[number]:
		// Numbers and strings may be left out where they are zero, lists may be empty.
		return errors.New("lacks its value")
	default:
		return nil
	}
}

// decodeAttributeValue reads the tensor, graph, type or numbers in a field of
// an attribute.
func (d *decoder) decodeAttributeValue(n *node, f field, where string, depth int) (err error) {
	switch f.number {
	case 5, 10:
		_, err = d.decodeTensor(f.content, where)
	case 6, 11:
		var inner *graphMessage
		inner, err = d.decodeGraph(f.content, depth+1)
		n.graphs = append(n.graphs, inner)
	case 7:
		_, err = f.fixed(4)
	case 8:
		err = f.eachInteger(func(int64) error { return nil })
	case 14, 15:
		_, err = decodeType(f.content, 0)
	case 22, 23:
		err = refuseSparse(where)
	}
	return err
}
