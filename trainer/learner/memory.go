package learner

import (
	"fmt"

	"polylens/encoder/siglip2"
	machine "polylens/internal/memory"
)

// LeastMemory is a lower bound of what the blocks of a step keep for its gradients, in
// bytes, without that of objectives.
func (p Plan) LeastMemory(config siglip2.Config) float64 {
	text, vision := config.Text, config.Vision
	length, patches := text.Length, vision.Patches()
	if p.Keep.Tokens > 0 {
		length = min(length, 2) // as long as the texts of a batch are
	}
	if p.Keep.Patches > 0 {
		patches = min(patches, p.Keep.Patches)
	}
	if config.NaFlex() {
		patches = 1
	}
	bytes := p.keptBy("vision", vision.Tower, p.Pictures, patches)
	if !p.Alone {
		bytes += p.keptBy("text", text.Tower, p.Texts, length)
	}
	return bytes
}

// keptBy is what the trained blocks of a tower keep of all tokens.
func (p Plan) keptBy(name string, tower siglip2.Tower, items, tokens int64) float64 {
	layers := max(0, tower.Layers-p.Mode.start(p.LoRA, name))
	// What enters a block, queries, keys, values and what attention gives, and what
	// enters the activation of the MLP. Recomputed, a block keeps what enters it.
	kept := 5*float64(tower.Width) + float64(tower.MLP)
	if p.Recompute {
		kept = float64(tower.Width)
	}
	const float32Bytes = 4
	return float32Bytes * kept * float64(layers) * float64(items) * float64(tokens)
}

// checkState refuses parameters that do not fit into memory with their gradients and
// moments.
func checkState(parameters []Parameter) error {
	const each = 4 * 4 // bytes: weight, gradient and two moments
	needed := 0.0
	for _, parameter := range parameters {
		values := 1.0
		for _, dim := range parameter.Shape {
			values *= float64(dim)
		}
		needed += each * values
	}
	if most, known := machine.Available(); known && needed > float64(most) {
		return fmt.Errorf("what is trained takes %.1f GiB of memory with its gradients, and there are %.1f: choose a mode that trains less of the model, or fewer and smaller parts that are added to it",
			needed/(1<<30), float64(most)/(1<<30))
	}
	return nil
}
