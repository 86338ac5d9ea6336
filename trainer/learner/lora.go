package learner

import (
	"slices"
	"strings"

	"polylens/encoder/graph"
	"polylens/trainer/autodiff"
)

// Linear is the named layer with its adapter merged into its weight, W + scale B
// A (Hu et al. 2021, arXiv 2106.09685): one product of the size of W, forwards
// and backwards, where adding B A x to W x takes narrow products of all rows
// and passes over their results. The weight that is merged has no gradient; those
// of A and B come from the rows, without it.
func (p *parameters) Linear(name string, x, weight, bias *graph.Value) *graph.Value {
	if !p.plan.adapts(name) {
		return graph.Linear(x, weight, bias)
	}
	lora := p.plan.LoRA
	a, b := lora.weights(weight, func(suffix string, start start, shape ...int64) *graph.Value {
		return p.fresh(adapterPrefix+name+suffix, start, shape)
	})
	merged := lora.merge(weight, a, b)
	y := graph.Linear(x, merged, bias)
	p.layers = append(p.layers, autodiff.Custom{Output: y, Inputs: []*graph.Value{x, a, b, merged}, Pullback: lora.pullback})
	return y
}

// weights declares the two of an adapter of a weight [out, in]: A [rank, in] and
// B [out, rank].
func (l LoRA) weights(weight *graph.Value, declare func(suffix string, start start, shape ...int64) *graph.Value) (a, b *graph.Value) {
	out, in := weight.Shape[0], weight.Shape[1]
	return declare(loraA, startA(in), l.Rank, in), declare(loraB, startB, out, l.Rank)
}

// merge is the weight [out, in] with its adapter.
func (l LoRA) merge(weight, a, b *graph.Value) *graph.Value {
	return graph.Add(weight, graph.Gemm(l.scaled(b), a, false, false))
}

// scaled multiplies what is narrow by alpha / r.
func (l LoRA) scaled(x *graph.Value) *graph.Value {
	return graph.Mul(x, x.Graph().Floats(graph.Shape{}, float32(l.Alpha/float64(l.Rank))))
}

// pullback gives the derivatives with respect to x, A and B, given that with
// respect to y = x (W + scale B A)^T + bias: dx = dy (W + scale B A), and with
// the narrow u = scale x A^T and v = scale dy B, dA = v^T x and dB = dy^T u.
func (l LoRA) pullback(inputs []*graph.Value, dy *graph.Value) []*graph.Value {
	x, a, b, merged := inputs[0], inputs[1], inputs[2], inputs[3]
	u, v := l.scaled(graph.Gemm(x, a, false, true)), l.scaled(graph.Gemm(dy, b, false, false))
	return []*graph.Value{
		graph.Gemm(dy, merged, false, false),
		graph.Gemm(graph.Transpose(v, 1, 0), x, false, false),
		graph.Gemm(dy, u, true, false),
		nil,
	}
}

// adapts reports whether the named linear layer has an adapter.
func (p Plan) adapts(layer string) bool { return p.Mode.adapters && p.LoRA.changes(layer) }

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
