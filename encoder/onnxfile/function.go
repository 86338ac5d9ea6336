package onnxfile

import (
	"errors"
	"fmt"
)

// signature names a function. A node that carries the same three calls it.
type signature struct{ domain, name, overload string }

// function is a FunctionProto: operators made of others, kept in the model.
type function struct {
	signature
	inputs, outputs []string
	opsets          map[string]int64
	nodes           []*node
}

func (d *decoder) decodeFunction(m message) (*function, error) {
	if err := d.take("functions"); err != nil {
		return nil, err
	}
	out := &function{opsets: map[string]int64{}}
	var nodes []message
	d.parameters = map[string]bool{}
	err := m.each(functionFields, func(f field) (err error) {
		switch f.number {
		case 1:
			out.name, err = f.name()
		case 4:
			err = d.decodeOperand(f, &out.inputs)
		case 5:
			err = d.decodeOperand(f, &out.outputs)
		case 6:
			err = d.decodeParameter(f)
		case 7:
			nodes = append(nodes, f.content)
			err = d.take("function nodes")
		case 9:
			err = d.decodeOpset(f.content, out.opsets)
		case 10:
			out.domain, err = f.name()
			out.domain = plainDomain(out.domain)
		case 11:
			err = d.decodeDefault(f.content)
		case 12:
			err = d.decodeValue(f.content, new([]Port))
		case 13:
			out.overload, err = f.name()
		case 14:
			err = f.content.each(entryFields, ignore)
		}
		return err
	})
	for _, content := range nodes { // after the parameters, which they refer to
		if err != nil {
			break
		}
		var n *node
		n, err = d.decodeNode(content, 0)
		out.nodes = append(out.nodes, n)
	}
	d.parameters = nil
	return out, inFunction(out, err)
}

func inFunction(f *function, err error) error {
	var problem *FileError
	if err == nil || errors.As(err, &problem) {
		return err
	}
	return fmt.Errorf("has the function %q, which %w", f.name, err)
}

func (d *decoder) decodeParameter(f field) error {
	name, err := f.name()
	if err != nil {
		return err
	}
	if d.parameters[name] || name == "" {
		return fmt.Errorf("has the parameter %q twice or without a name", name)
	}
	d.parameters[name] = true
	return d.take("attributes")
}

// decodeDefault reads a parameter that has a default value. It is checked as
// an attribute of a node is.
func (d *decoder) decodeDefault(m message) error {
	holder := &node{label: "default values"}
	name, err := d.decodeAttribute(holder, m, 0)
	if err != nil {
		return err
	}
	if len(holder.graphs) > 0 {
		return fmt.Errorf("has a graph as the default of its parameter %q, which is refused", name)
	}
	return d.decodeParameter(field{content: message(name)})
}

// checkFunctions demands that functions have distinct names outside the
// domains of operators, are complete in themselves, and do not call each
// other in a circle or so often that they unfold without bound.
func checkFunctions(m *model) (map[signature]*function, error) {
	functions := map[signature]*function{}
	for _, f := range m.functions {
		if f.name == "" || functions[f.signature] != nil {
			return nil, fmt.Errorf("has the function %q twice or without a name", f.name)
		}
		if f.domain == "" || f.domain == microsoft {
			return nil, fmt.Errorf("has the function %q in the domain %q of operators, which is refused", f.name, f.domain)
		}
		functions[f.signature] = f
	}
	for _, f := range m.functions {
		if err := checkBody(f); err != nil {
			return nil, inFunction(f, err)
		}
	}
	return functions, nil
}

// checkBody demands of a function what is demanded of a graph.
func checkBody(f *function) error {
	body := &graphMessage{nodes: f.nodes}
	for _, input := range f.inputs {
		body.inputs = append(body.inputs, Port{Name: input})
	}
	for _, output := range f.outputs {
		body.outputs = append(body.outputs, Port{Name: output})
	}
	_, err := checkGraph(body, nil)
	return err
}

// unfolder computes how many nodes remain when every call is replaced by the
// body of its function.
type unfolder struct {
	functions map[signature]*function
	sizes     map[signature]int // -1 while being computed
}

func (u *unfolder) size(nodes []*node) (int, error) {
	total := 0
	for _, n := range nodes {
		total++
		inner, err := u.sizeOfNode(n)
		if err != nil {
			return 0, err
		}
		if total += inner; total > maxNodes {
			return 0, fmt.Errorf("unfolds its functions to more than %d nodes", maxNodes)
		}
	}
	return total, nil
}

func (u *unfolder) sizeOfNode(n *node) (int, error) {
	total := 0
	for _, g := range n.graphs {
		inner, err := u.size(g.nodes)
		if err != nil {
			return 0, err
		}
		total += inner
	}
	call := signature{n.domain, n.op, n.overload}
	callee := u.functions[call]
	if callee == nil {
		return total, nil
	}
	size, known := u.sizes[call]
	if known && size < 0 {
		return 0, fmt.Errorf("has the function %q, which calls itself", callee.name)
	}
	if !known {
		u.sizes[call] = -1
		var err error
		if size, err = u.size(callee.nodes); err != nil {
			return 0, err
		}
		u.sizes[call] = size
	}
	return total + size, nil
}
