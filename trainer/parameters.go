package trainer

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
	siglip2.Parameters
	trained func(name string) bool
	lora    LoRA
	graph   *graph.Graph
	inputs  map[string]*graph.Value
	names   []string // of the inputs, in the order of the graph
}

func newParameters(g *graph.Graph, frozen siglip2.Parameters, trained func(name string) bool, lora LoRA) *parameters {
	return &parameters{Parameters: frozen, trained: trained, lora: lora, graph: g, inputs: map[string]*graph.Value{}}
}

// Parameter declares the named weight.
func (p *parameters) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if p.trained(name) {
		return p.input(name, shape...)
	}
	return p.Parameters.Parameter(g, name, shape...)
}

func (p *parameters) input(name string, shape ...int64) *graph.Value {
	if value, ok := p.inputs[name]; ok {
		return value
	}
	p.inputs[name] = p.graph.Input(name, graph.Float32, shape...)
	p.names = append(p.names, name)
	return p.inputs[name]
}

// Adapt adds LoRA to the linear layers that it changes: y + scale B A x (Hu et
// al. 2021, arXiv 2106.09685).
func (p *parameters) Adapt(name string, x, y *graph.Value) *graph.Value {
	if !p.lora.changes(name) {
		return y
	}
	a := p.input(name+loraA, p.lora.Rank, x.Shape[1])
	b := p.input(name+loraB, y.Shape[1], p.lora.Rank)
	scale := p.graph.Floats(graph.Shape{}, float32(p.lora.Alpha/float64(p.lora.Rank)))
	return graph.Add(y, graph.Linear(graph.Mul(graph.Linear(x, a, nil), scale), b, nil))
}

// What follows the name of a layer in those of LoRA's two weights, as in PEFT.
const (
	loraA = ".lora_A.weight" // [rank, in]
	loraB = ".lora_B.weight" // [out, rank]
)

// LoRA trains two narrow matrices beside the weights of linear layers in place
// of the weights themselves.
type LoRA struct {
	Rank    int64    `json:"rank"`    // r; 0 trains no adapter
	Alpha   float64  `json:"alpha"`   // the adapter's result is multiplied by alpha / r
	Targets []string `json:"targets"` // last parts of the names of layers, such as "q_proj"
	Towers  []string `json:"towers"`  // "text", "vision"
}

// changes reports whether the named linear layer has an adapter.
func (l LoRA) changes(layer string) bool {
	if l.Rank == 0 || !strings.Contains(layer, ".encoder.layers.") {
		return false
	}
	tower, _, _ := strings.Cut(layer, "_model.")
	return slices.Contains(l.Towers, tower) && slices.Contains(l.Targets, layer[strings.LastIndexByte(layer, '.')+1:])
}
