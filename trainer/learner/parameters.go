package learner

import (
	"slices"
	"strings"

	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
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
	inputs             []*graph.Value // in the order of the graph
	trained            []Parameter    // of the inputs
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

// Adapt adds LoRA to the linear layers that it changes: y + scale B A x (Hu et
// al. 2021, arXiv 2106.09685).
func (p *parameters) Adapt(name string, x, y *graph.Value) *graph.Value {
	if !p.plan.adapts(name) {
		return y
	}
	return p.plan.LoRA.add(x, y, func(suffix string, start start, shape ...int64) *graph.Value {
		return p.fresh(adapterPrefix+name+suffix, start, shape)
	})
}

// adapts reports whether the named linear layer has an adapter.
func (p Plan) adapts(layer string) bool { return p.Mode.adapters && p.LoRA.changes(layer) }

// add adds to y [M, out] what an adapter makes of x [M, in]. weight declares
// its two weights.
func (l LoRA) add(x, y *graph.Value, weight func(suffix string, start start, shape ...int64) *graph.Value) *graph.Value {
	a := weight(loraA, startA(x.Shape[1]), l.Rank, x.Shape[1])
	b := weight(loraB, startB, y.Shape[1], l.Rank)
	scale := x.Graph().Floats(graph.Shape{}, float32(l.Alpha/float64(l.Rank)))
	return graph.Add(y, graph.Linear(graph.Mul(graph.Linear(x, a, nil), scale), b, nil))
}

// What stands around the name of a layer in those of LoRA's weights, as in the
// files of PEFT.
const (
	adapterPrefix = "base_model.model."
	loraA         = ".lora_A.weight" // [rank, in]
	loraB         = ".lora_B.weight" // [out, rank]
)

// LoRA trains two narrow matrices beside the weights of linear layers in place
// of the weights themselves.
type LoRA struct {
	Rank    int64    `json:"rank"`    // r
	Alpha   float64  `json:"alpha"`   // the adapter's result is multiplied by alpha / r
	Targets []string `json:"targets"` // last parts of the names of layers, such as "q_proj"
	Towers  []string `json:"towers"`  // "text", "vision"
}

// DefaultLoRA adapts every linear layer of the blocks of both towers, with rank
// 8.
func DefaultLoRA() LoRA {
	return LoRA{
		Rank: 8, Alpha: 16, Towers: []string{"text", "vision"},
		Targets: []string{"q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"},
	}
}

// changes reports whether the named linear layer has an adapter.
func (l LoRA) changes(layer string) bool {
	if !strings.Contains(layer, ".encoder.layers.") {
		return false
	}
	tower, _, _ := strings.Cut(layer, "_model.")
	return slices.Contains(l.Towers, tower) && slices.Contains(l.Targets, layer[strings.LastIndexByte(layer, '.')+1:])
}
