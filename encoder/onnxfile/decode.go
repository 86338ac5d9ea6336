package onnxfile

import (
	"errors"
	"fmt"
	"slices"
)

// model is what the checks need of a ModelProto.
type model struct {
	ir        int64
	producer  string
	opsets    map[string]int64
	graph     *graphMessage
	functions []*function
	tensors   []*tensor // of all graphs, attributes and functions
}

// graphMessage is a GraphProto.
type graphMessage struct {
	name         string
	nodes        []*node
	initializers []string
	inputs       []Port
	outputs      []Port
	annotated    []string // values that quantization annotations name
}

// node is a NodeProto.
type node struct {
	label           string // for errors
	op              string
	domain          string
	overload        string
	inputs, outputs []string
	graphs          []*graphMessage // in attributes
}

// decoder reads messages, counts them and collects what lies at any depth.
type decoder struct {
	counts
	tensors    []*tensor
	parameters map[string]bool // attributes of the function being read, nil outside
}

// errDevices refuses what an export for a single device never has.
var errDevices = errors.New("is bound to several devices, which is refused")

func decodeModel(m message) (*model, error) {
	d := &decoder{counts: counts{}}
	out := &model{opsets: map[string]int64{}}
	err := m.each(modelFields, func(f field) (err error) {
		switch f.number {
		case 1:
			out.ir = f.integer
		case 2:
			out.producer, err = f.name()
		case 7:
			out.graph, err = d.decodeGraph(f.content, 0)
		case 8:
			err = d.decodeOpset(f.content, out.opsets)
		case 14:
			err = f.content.each(entryFields, ignore)
		case 20:
			return errors.New("holds training information, which is refused: export the model for inference")
		case 25:
			var function *function
			function, err = d.decodeFunction(f.content)
			out.functions = append(out.functions, function)
		case 26:
			err = errDevices
		}
		return err
	})
	if err == nil && out.graph == nil {
		err = errors.New("is no ONNX model: it holds no graph")
	}
	out.tensors = d.tensors
	return out, err
}

func (d *decoder) decodeOpset(m message, opsets map[string]int64) error {
	var domain string
	var version int64
	err := m.each(opsetFields, func(f field) (err error) {
		if f.number == 1 {
			domain, err = f.name()
			return err
		}
		version = f.integer
		return nil
	})
	if err != nil {
		return err
	}
	domain = plainDomain(domain)
	if _, twice := opsets[domain]; twice {
		return fmt.Errorf("imports the operators of the domain %q twice", domain)
	}
	opsets[domain] = version
	return d.take("opset imports")
}

func (d *decoder) decodeGraph(m message, depth int) (*graphMessage, error) {
	if depth >= maxDepth {
		return nil, fmt.Errorf("has graphs nested more than %d deep", maxDepth)
	}
	if err := d.take("graphs"); err != nil {
		return nil, err
	}
	g := &graphMessage{}
	err := m.each(graphFields, func(f field) (err error) {
		switch f.number {
		case 1:
			var node *node
			node, err = d.decodeNode(f.content, depth)
			g.nodes = append(g.nodes, node)
		case 2:
			g.name, err = f.name()
		case 5:
			return d.decodeInitializer(f.content, g)
		case 11:
			return d.decodeValue(f.content, &g.inputs)
		case 12:
			return d.decodeValue(f.content, &g.outputs)
		case 13:
			return d.decodeValue(f.content, new([]Port))
		case 14:
			return d.decodeAnnotation(f.content, g)
		case 15:
			return refuseSparse("a sparse initializer")
		case 16:
			err = f.content.each(entryFields, ignore)
		}
		return err
	})
	return g, err
}

func refuseSparse(where string) error {
	return &FileError{Tensor: where, Err: errors.New("is refused: exports of SigLIP hold dense tensors only")}
}

func (d *decoder) decodeInitializer(m message, g *graphMessage) error {
	tensor, err := d.decodeTensor(m, "initializer")
	if err != nil {
		return err
	}
	if tensor.name == "" {
		return errors.New("has an initializer without a name")
	}
	g.initializers = append(g.initializers, tensor.name)
	return nil
}

// decodeAnnotation takes up the values that a quantization annotation refers to.
func (d *decoder) decodeAnnotation(m message, g *graphMessage) error {
	if err := d.take("annotations"); err != nil {
		return err
	}
	return m.each(annotationFields, func(f field) (err error) {
		var name string
		if f.number == 1 {
			name, err = f.name()
		} else {
			_, name, err = decodeEntry(f.content)
		}
		g.annotated = append(g.annotated, name)
		return err
	})
}

func (d *decoder) decodeNode(m message, depth int) (*node, error) {
	if err := d.take("nodes"); err != nil {
		return nil, err
	}
	n := &node{}
	var attributes []message
	err := m.each(nodeFields, func(f field) (err error) {
		switch f.number {
		case 1:
			err = d.decodeOperand(f, &n.inputs)
		case 2:
			err = d.decodeOperand(f, &n.outputs)
		case 3:
			n.label, err = f.name()
		case 4:
			n.op, err = f.name()
		case 5:
			attributes = append(attributes, f.content)
			err = d.take("attributes")
		case 7:
			n.domain, err = f.name()
			n.domain = plainDomain(n.domain)
		case 8:
			n.overload, err = f.name()
		case 9:
			err = f.content.each(entryFields, ignore)
		case 10:
			err = errDevices
		}
		return err
	})
	if n.label == "" && len(n.outputs) > 0 {
		n.label = n.op + " of " + n.outputs[0]
	}
	if err == nil {
		err = d.decodeAttributes(n, attributes, depth)
	}
	return n, inNode(n, err)
}

// inNode says in which node an error is, unless the error names its tensor.
func inNode(n *node, err error) error {
	var problem *FileError
	if err == nil || errors.As(err, &problem) {
		return err
	}
	return fmt.Errorf("has the node %q, which %w", n.label, err)
}

func (d *decoder) decodeOperand(f field, operands *[]string) error {
	name, err := f.name()
	*operands = append(*operands, name)
	if err != nil {
		return err
	}
	return d.take("operands")
}

func (d *decoder) decodeAttributes(n *node, attributes []message, depth int) error {
	var names []string
	for _, content := range attributes {
		name, err := d.decodeAttribute(n, content, depth)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) < len(attributes) {
		return errors.New("has an attribute twice")
	}
	return nil
}
