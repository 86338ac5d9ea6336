package graph

import (
	"errors"
	"fmt"
	"slices"
)

// Opset is the version of the standard ONNX operators that nodes are written for.
const Opset = 21

// Microsoft is the domain of the fused operators that ONNX Runtime adds to the standard ones.
const Microsoft = "com.microsoft"

// BuildError says why a node could not be added. Functions that add nodes
// panic with it; Build returns it.
type BuildError struct {
	Op      string // the operator being added
	Problem string // what does not fit, with shapes
}

func (e *BuildError) Error() string { return "graph: " + e.Op + ": " + e.Problem }

func fail(op, format string, args ...any) {
	panic(&BuildError{Op: op, Problem: fmt.Sprintf(format, args...)})
}

// Fail aborts the Build in progress with a *BuildError: for the composers of
// architectures, whose checks belong between the nodes.
func Fail(op, format string, args ...any) { fail(op, format, args...) }

// Value is a tensor that flows through the graph: an input, an initializer or
// an output of a node.
type Value struct {
	Name        string
	DType       DType
	Shape       Shape
	Producer    *Node        // nil for inputs and initializers
	Initializer *Initializer // nil unless the value is one
	graph       *Graph
}

func (v *Value) String() string { return fmt.Sprintf("%s %v%v", v.Name, v.DType, v.Shape) }

// Graph returns the graph that the value belongs to.
func (v *Value) Graph() *Graph { return v.graph }

// Node is one operator with its operands.
type Node struct {
	Op         string
	Domain     string // "" for standard ONNX, Microsoft for fused operators
	Inputs     []*Value
	Outputs    []*Value // an entry is nil where an optional output is not taken
	Attributes []Attribute
}

// Attribute is a constant parameter of a node. Value is an int64, a float32,
// a string or a []int64.
type Attribute struct {
	Name  string
	Value any
}

// Attribute returns the value of the named attribute, nil when it is absent.
func (n *Node) Attribute(name string) any {
	for _, attribute := range n.Attributes {
		if attribute.Name == name {
			return attribute.Value
		}
	}
	return nil
}

// Optional is the optional output of n at the given index, which is taken from
// now on: an operator may compute more than the function that added it asked
// for.
func (n *Node) Optional(index int, result Type) *Value {
	for len(n.Outputs) <= index {
		n.Outputs = append(n.Outputs, nil)
	}
	if n.Outputs[index] == nil {
		g := n.Outputs[0].graph
		n.Outputs[index] = &Value{
			Name: g.unique(n.Op), DType: result.DType, Shape: result.Shape, Producer: n, graph: g,
		}
	}
	return n.Outputs[index]
}

// Type describes a value without a name.
type Type struct {
	DType DType
	Shape Shape
}

// Graph is an ONNX model under construction. Nodes stand in an order in which
// they can run.
type Graph struct {
	Name         string
	Nodes        []*Node
	Inputs       []*Value
	Outputs      []*Value
	Initializers []*Value

	marks     map[string]*Value
	marked    []string
	names     map[string]int
	constants map[string]*Value
}

// Build runs compose on an empty graph and returns the result. A *BuildError
// that compose panics with is returned as the error; any other panic passes.
func Build(name string, compose func(*Graph)) (g *Graph, err error) {
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case *BuildError:
			g, err = nil, fmt.Errorf("building %s: %w", name, problem)
		default:
			panic(problem)
		}
	}()
	g = &Graph{
		Name: name, marks: map[string]*Value{}, names: map[string]int{},
		constants: map[string]*Value{},
	}
	compose(g)
	if len(g.Outputs) == 0 {
		return nil, errors.New("building " + name + ": the graph has no output")
	}
	return g, nil
}

// Input declares an input of the graph.
func (g *Graph) Input(name string, dtype DType, shape ...int64) *Value {
	g.claim(name)
	input := &Value{Name: name, DType: dtype, Shape: append(Shape{}, shape...), graph: g}
	g.Inputs = append(g.Inputs, input)
	return input
}

// Output makes the value an output of the graph under the given name.
func (g *Graph) Output(name string, value *Value) {
	g.claim(name)
	if value.Producer == nil || slices.Contains(g.Outputs, value) {
		value = g.Apply(Node{Op: "Identity", Inputs: []*Value{value}}, Type{value.DType, value.Shape})[0]
	}
	value.Name = name
	g.Outputs = append(g.Outputs, value)
}

// Mark names an intermediate value, so that MarkOutput can make it an output
// and tests can compare models layer by layer. It costs nothing in the model.
func (g *Graph) Mark(name string, value *Value) *Value {
	if _, taken := g.marks[name]; taken {
		fail("Mark", "the intermediate %q is named twice", name)
	}
	g.marks[name] = value
	g.marked = append(g.marked, name)
	return value
}

// Marked returns the named intermediate.
func (g *Graph) Marked(name string) (*Value, bool) {
	value, ok := g.marks[name]
	return value, ok
}

// Marks lists the names of all intermediates in the order they were marked.
func (g *Graph) Marks() []string { return slices.Clone(g.marked) }

// MarkOutput makes the named intermediate an output of the graph.
func (g *Graph) MarkOutput(name string) {
	value, ok := g.marks[name]
	if !ok {
		fail("MarkOutput", "there is no intermediate %q; there are %q", name, g.marked)
	}
	g.Output(name, value)
}

// Apply adds a node and returns its outputs, one for each result type. It
// checks only that the operands belong to this graph: the functions of the
// operator families check shapes. A result whose Shape is nil is an optional
// output that is not taken.
func (g *Graph) Apply(node Node, results ...Type) []*Value {
	for _, input := range node.Inputs {
		if input != nil && input.graph != g {
			fail(node.Op, "operand %v belongs to another graph", input)
		}
	}
	added := &node
	for _, result := range results {
		if result.Shape == nil {
			added.Outputs = append(added.Outputs, nil)
			continue
		}
		output := &Value{
			Name: g.unique(node.Op), DType: result.DType, Shape: result.Shape, Producer: added, graph: g,
		}
		added.Outputs = append(added.Outputs, output)
	}
	g.Nodes = append(g.Nodes, added)
	return added.Outputs
}

// apply adds a node with one output.
func apply(node Node, result Type) *Value {
	return node.Inputs[0].graph.Apply(node, result)[0]
}

func (g *Graph) unique(op string) string {
	for {
		name := fmt.Sprintf("%s_%d", op, g.names[op])
		g.names[op]++
		if _, taken := g.names[name]; !taken {
			return name
		}
	}
}

// claim reserves a name that a caller chose.
func (g *Graph) claim(name string) {
	if _, taken := g.names[name]; taken || name == "" {
		fail("name", "%q is empty or used twice", name)
	}
	g.names[name] = 0
}
