package autodiff

import (
	"slices"

	"polylens/encoder/graph"
)

// Options choose among graphs that compute the same gradients.
type Options struct {
	// Into[i], where it is not nil, is added to the i-th gradient: the sum of
	// gradients of earlier parts of a batch. A table of rows that Gather looks
	// up then costs no table of zeros.
	Into []*graph.Value
	// Boundaries are values between which nothing that the forward pass
	// computes is kept: the backward pass computes it once more (Chen et al.
	// 2016, arXiv 1604.06174). They stand in the order of the graph. Without
	// any, everything that a rule needs is kept. It saves memory only if the
	// runtime neither merges equal nodes nor computes the copies ahead of their
	// use.
	Boundaries []*graph.Value
	// Customs are values whose derivatives go on as they say, not by the rules of
	// what computes them.
	Customs []Custom
}

// Custom is a function with a derivative of its own, where one is known that
// costs less than the composition of the rules (as jax.custom_vjp).
type Custom struct {
	Output *graph.Value
	Inputs []*graph.Value
	// Pullback gives the derivative with respect to each input, nil for none, from
	// that with respect to the output. It is given the inputs as they were kept, or
	// computed again where they were not.
	Pullback func(inputs []*graph.Value, d *graph.Value) []*graph.Value
}

// Gradients adds to the graph of loss, a scalar in float32, the nodes that
// compute its derivative with respect to each of the values, in their order
// and shapes. A value that the loss does not depend on has a gradient of zero.
// An operator without a rule between a value and the loss ends the Build in
// progress with a *graph.BuildError.
func Gradients(loss *graph.Value, values []*graph.Value, options Options) []*graph.Value {
	if elements, symbolic := loss.Shape.Elements(); elements != 1 || symbolic > 0 || loss.DType != graph.Float32 {
		graph.Fail("Gradients", "the loss %v is not a float32 scalar", loss)
	}
	ones := loss.Graph().Floats(loss.Shape, 1)
	return Pullback([]*graph.Value{loss}, []*graph.Value{ones}, values, options)
}

// Pullback is Gradients for several outputs, given the derivative of some loss
// with respect to each: it multiplies them by the transposed Jacobian.
func Pullback(outputs, seeds, values []*graph.Value, options Options) []*graph.Value {
	if len(outputs) == 0 || len(outputs) != len(seeds) {
		fail("%d outputs have %d derivatives", len(outputs), len(seeds))
	}
	p := newPass(outputs[0].Graph(), values, options)
	for i, output := range outputs {
		p.add(output, checked(seeds[i], output))
	}
	p.run(options.Boundaries)
	gradients := p.results(values)
	p.prune(gradients)
	return gradients
}

func fail(format string, args ...any) { graph.Fail("Pullback", format, args...) }

// checked returns d, which has to look like a derivative with respect to value.
func checked(d, value *graph.Value) *graph.Value {
	if d.DType != value.DType || !d.Shape.Equal(value.Shape) {
		fail("%v is no derivative with respect to %v", d, value)
	}
	return d
}

// pass is one backward walk over a graph.
type pass struct {
	graph *graph.Graph
	nodes []*graph.Node         // the forward nodes
	needs map[*graph.Value]bool // values whose derivative is asked for, directly or on the way
	sums  map[*graph.Value]*graph.Value
	// again maps forward values to the ones computed once more.
	again   map[*graph.Value]*graph.Value
	customs map[*graph.Value]Custom // by their output
}

func newPass(g *graph.Graph, values []*graph.Value, options Options) *pass {
	p := &pass{
		graph: g, nodes: slices.Clone(g.Nodes), needs: map[*graph.Value]bool{},
		sums: map[*graph.Value]*graph.Value{}, again: map[*graph.Value]*graph.Value{}, customs: map[*graph.Value]Custom{},
	}
	for _, custom := range options.Customs {
		p.customs[custom.Output] = custom
	}
	for i, value := range values {
		p.needs[value] = true
		if i < len(options.Into) && options.Into[i] != nil {
			p.sums[value] = checked(options.Into[i], value)
		}
	}
	for _, node := range p.nodes {
		p.mark(node)
	}
	return p
}

// mark notes that the outputs of a node depend on a value that is asked for.
func (p *pass) mark(node *graph.Node) {
	if !slices.ContainsFunc(node.Inputs, func(v *graph.Value) bool { return p.needs[v] }) {
		return
	}
	for _, output := range node.Outputs {
		if output != nil && output.DType != graph.Bool && output.DType != graph.Int64 {
			p.needs[output] = true
		}
	}
}

// run walks the nodes backwards, segment by segment.
func (p *pass) run(boundaries []*graph.Value) {
	end := len(p.nodes)
	for _, boundary := range slices.Backward(boundaries) {
		start := slices.Index(p.nodes, boundary.Producer) + 1
		if start > end {
			fail("boundary %v is not in the order of the graph", boundary)
		}
		if end < len(p.nodes) { // what the last segment computes is needed at once
			p.repeat(p.nodes[start:end], boundaries)
		}
		p.backward(p.nodes[start:end])
		end = start
	}
	p.backward(p.nodes[:end])
}

// repeat adds copies of the nodes of a segment whose results backward rules
// may need.
func (p *pass) repeat(nodes []*graph.Node, boundaries []*graph.Value) {
	for _, node := range nodes {
		if !p.depends(node) || slices.ContainsFunc(node.Outputs, func(v *graph.Value) bool { return slices.Contains(boundaries, v) }) {
			continue
		}
		types := make([]graph.Type, len(node.Outputs))
		for i, output := range node.Outputs {
			if output != nil {
				types[i] = graph.Type{DType: output.DType, Shape: output.Shape}
			}
		}
		twin := graph.Node{Op: node.Op, Domain: node.Domain, Inputs: p.twins(node.Inputs), Attributes: node.Attributes}
		for i, output := range p.graph.Apply(twin, types...) {
			if node.Outputs[i] != nil {
				p.again[node.Outputs[i]] = output
			}
		}
	}
}

// depends reports whether a node takes part in the derivative.
func (p *pass) depends(node *graph.Node) bool {
	return slices.ContainsFunc(node.Outputs, func(v *graph.Value) bool { return v != nil && p.needs[v] })
}

func (p *pass) twins(values []*graph.Value) []*graph.Value {
	twins := slices.Clone(values)
	for i, value := range values {
		if twin, ok := p.again[value]; ok {
			twins[i] = twin
		}
	}
	return twins
}

// backward applies the rules of the nodes, the last first.
func (p *pass) backward(nodes []*graph.Node) {
	for _, node := range slices.Backward(nodes) {
		output := node.Outputs[0]
		d, reached := p.sums[output]
		if !reached || !p.depends(node) {
			continue
		}
		if custom, ok := p.customs[output]; ok {
			p.pull(custom, d)
			continue
		}
		rule, ok := rules[node.Domain+":"+node.Op]
		if !ok {
			graph.Fail(node.Op, "the operator has no gradient rule, and the loss depends on it through %v", output)
		}
		rule(&step{pass: p, node: node, in: p.twins(node.Inputs), out: p.twins(node.Outputs)[0]}, d)
	}
}

// pull passes a derivative on to the inputs of a function of its own.
func (p *pass) pull(custom Custom, d *graph.Value) {
	for i, derivative := range custom.Pullback(p.twins(custom.Inputs), d) {
		if input := custom.Inputs[i]; derivative != nil && p.needs[input] {
			p.add(input, checked(derivative, input))
		}
	}
}

// add adds d to the derivative of a value.
func (p *pass) add(value, d *graph.Value) {
	if sum, ok := p.sums[value]; ok {
		d = graph.Add(sum, d)
	}
	p.sums[value] = d
}

func (p *pass) results(values []*graph.Value) []*graph.Value {
	gradients := make([]*graph.Value, len(values))
	for i, value := range values {
		gradient, ok := p.sums[value]
		if !ok {
			gradient = zeros(value)
		}
		gradients[i] = gradient
	}
	return gradients
}

// prune drops the added nodes that no gradient is computed from, such as the
// last of a segment computed once more: the runtime would run them all.
func (p *pass) prune(gradients []*graph.Value) {
	used := map[*graph.Value]bool{}
	for _, gradient := range gradients {
		used[gradient] = true
	}
	var kept []*graph.Node
	for _, node := range slices.Backward(p.graph.Nodes[len(p.nodes):]) {
		if !slices.ContainsFunc(node.Outputs, func(v *graph.Value) bool { return v != nil && used[v] }) {
			continue
		}
		kept = append(kept, node)
		for _, input := range node.Inputs {
			used[input] = true
		}
	}
	slices.Reverse(kept)
	p.graph.Nodes = append(p.nodes, kept...)
}

// step is the differentiation of one node.
type step struct {
	*pass
	node *graph.Node
	in   []*graph.Value // the operands, computed once more where they are not kept
	out  *graph.Value   // likewise the result
}

// wants reports whether the derivative with respect to an operand is needed.
func (s *step) wants(operand int) bool {
	return operand < len(s.node.Inputs) && s.node.Inputs[operand] != nil && s.needs[s.node.Inputs[operand]]
}

// give adds d to the derivative with respect to an operand. Where the operand
// was broadcast, d is summed over the positions that it was repeated for.
func (s *step) give(operand int, d *graph.Value) {
	value := s.node.Inputs[operand]
	s.add(value, unbroadcast(d, value.Shape))
}

// giveAll gives the derivatives with respect to operands that are there.
func (s *step) giveAll(derivatives []*graph.Value) {
	for operand, d := range derivatives {
		if d != nil {
			s.give(operand, d)
		}
	}
}

// number is a constant that broadcasts with anything.
func (s *step) number(value float32) *graph.Value { return s.graph.Floats(graph.Shape{}, value) }
