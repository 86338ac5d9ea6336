package adapter

import (
	"fmt"
	"strings"

	"polylens/encoder/safetensors"
)

// part is the role of a tensor in a Delta.
type part int

const (
	replaces part = iota
	factorA
	factorB
	magnitude
	bias
)

// name is what the name of a tensor in the adapter's file says.
type name struct {
	part      part
	target    string // the base weight
	layer     string // as PEFT calls it when it looks for patterns
	times     float32
	embedding bool
}

// prefix is what PEFT puts before the names of the model that it wraps.
const prefix = "base_model.model."

// wrapper stands in the names of weights whose layer PEFT has wrapped.
const wrapper = ".base_layer"

// pooling is the one layer of PyTorch's MultiheadAttention in the models. PEFT
// wraps it together with the out_proj inside.
const (
	pooling    = "head.attention"
	poolingOut = pooling + wrapper + ".out_proj"
)

// suffixes are the ends of the names of what PEFT adds to a layer.
var suffixes = []struct {
	text string
	name name
}{
	{".lora_A.weight", name{part: factorA}},
	{".lora_B.weight", name{part: factorB}},
	{".lora_B.bias", name{part: bias}},
	{".lora_embedding_A", name{part: factorA, embedding: true}},
	{".lora_embedding_B", name{part: factorB, embedding: true}},
	{".lora_magnitude_vector", name{part: magnitude}},
}

// isLeftOver reports whether a tensor is a copy that PEFT writes besides the
// one that it reads, when both modules_to_save and biases were trained.
func isLeftOver(text string) bool {
	return strings.Contains(text, ".original_module.") || strings.Contains(text, ".modules_to_save.")
}

// parseName assigns a tensor of the file to a base weight.
func parseName(text string) (name, error) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return name{}, fmt.Errorf("tensor %q does not begin with %q: it was not written by PEFT", text, prefix)
	}
	for _, suffix := range suffixes {
		if layer, ok := strings.CutSuffix(rest, suffix.text); ok {
			return suffix.name.in(layer)
		}
	}
	if strings.Contains(rest, "lora_") {
		return name{}, fmt.Errorf("tensor %q has an unknown part in its layer; %s", text, remedy)
	}
	return name{part: replaces, target: strings.ReplaceAll(rest, wrapper, "")}, nil
}

// in completes the name of something added to a layer.
func (n name) in(layer string) (name, error) {
	inner := strings.HasSuffix(layer, poolingOut)
	ofPooling := inner || strings.HasSuffix(layer, pooling)
	if n.part == bias && ofPooling {
		return name{}, fmt.Errorf("lora_bias is set for %q, where PEFT does not merge it; %s", layer, remedy)
	}
	n.layer, n.times = layer, 1
	if inner {
		// PEFT (up to 0.21 at least) adds the product to this layer twice, when
		// it trains as well as when it merges: what was learned means that.
		n.layer, n.times = strings.TrimSuffix(layer, wrapper+".out_proj"), 2
	}
	n.target = strings.ReplaceAll(layer, wrapper, "") + n.parameter(ofPooling && !inner)
	return n, nil
}

// parameter is the end of the name of the base weight.
func (n name) parameter(packed bool) string {
	switch {
	case packed:
		return ".in_proj_weight"
	case n.part == bias:
		return ".bias"
	default:
		return ".weight"
	}
}

// slot is the place in a Delta of a tensor with this name.
func (n name) slot(d *Delta) **safetensors.Tensor {
	return map[part]**safetensors.Tensor{
		replaces: &d.Replacement, factorA: &d.A, factorB: &d.B, magnitude: &d.Magnitude, bias: &d.Bias,
	}[n.part]
}
