package learner

import (
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
	"polylens/trainer/autodiff"
)

// Names of the loss's own two parameters in a checkpoint, each of shape [1].
const (
	logitScale = "logit_scale" // logarithm of the temperature's inverse
	logitBias  = "logit_bias"
)

// parameters gives the towers their weights: those that are trained as inputs
// of the graph, the others as constants that stay in their file. It notes which
// it gave as inputs.
type parameters struct {
	siglip2.Parameters // frozen
	plan               Plan
	graph              *graph.Graph
	byName             map[string]*graph.Value
	inputs             []*graph.Value    // in the order of the graph
	layers             []autodiff.Custom // with adapters
	trained            []Parameter       // of the inputs
}

func newParameters(g *graph.Graph, frozen siglip2.Parameters, plan Plan) *parameters {
	return &parameters{Parameters: frozen, plan: plan, graph: g, byName: map[string]*graph.Value{}}
}

// Parameter declares the named weight of the checkpoint.
func (p *parameters) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if p.plan.Mode.trains(name) {
		return p.fresh(name, nil, shape)
	}
	return p.Parameters.Parameter(g, name, shape...)
}

// fresh declares a trained parameter. start fills one that is not read from
// the checkpoint.
func (p *parameters) fresh(name string, start start, shape []int64) *graph.Value {
	if value, ok := p.byName[name]; ok {
		return value
	}
	value := p.graph.Input(name, graph.Float32, shape...)
	p.byName[name], p.inputs = value, append(p.inputs, value)
	p.trained = append(p.trained, Parameter{Name: name, Shape: slices.Clone(shape), start: start})
	return value
}
