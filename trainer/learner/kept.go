package learner

import (
	"math/rand/v2"
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// Names of the inputs of a step that say what it looks at.
const (
	patchesInput   = "kept_patches"   // int64 [B K], rows of the patches of all pictures
	positionsInput = "kept_positions" // int64 [K], positions of the tokens of each text
	lastInput      = "last_positions" // int64 [T], rows of the last ones
)

// Keep says how much of pictures and texts a step looks at. Zero means all.
type Keep struct {
	// Patches of each picture, chosen at random in each step: training is faster in
	// proportion, and works with few (FLIP: Li et al. 2022, arXiv 2212.00794).
	Patches int64
	// Tokens of each text at most, the first ones with the last position, which the
	// vector is read from. What is left out is padding mostly (CLIPA: Li et al.
	// 2023, arXiv 2305.07017). Where no picture is looked at, a step takes fewer if
	// all its texts are shorter.
	Tokens int64
}

// drops reports whether a step composed by the plan, rather than an encoding of
// any number of pictures, leaves out some of so many.
func (p Plan) drops(keep, of int64) bool {
	return keep > 0 && keep < of && p.Pictures != graph.Batch
}

// dropPatches gives the rows of the patches that are kept: [B N, D] to [B K, D];
// nil where all are.
func (c *Composition) dropPatches() func(rows *graph.Value) *graph.Value {
	keep := c.Plan.Keep.Patches
	if !c.Plan.drops(keep, c.Config.Vision.Patches()) {
		return nil
	}
	return func(rows *graph.Value) *graph.Value {
		return graph.Gather(rows, c.Graph.Input(patchesInput, graph.Int64, c.Plan.Pictures*keep))
	}
}

// dropsTokens reports whether texts enter a step of the plan without some of
// their tokens.
func (p Plan) dropsTokens(config siglip2.Config) bool {
	block := p.Mode.start(p.LoRA, "text")
	return block != nothing && block != headOnly && p.drops(p.Keep.Tokens, config.Text.Length)
}

// tokens is how many of each text enter a step of the plan. It is graph.Batch, so
// that it may change from step to step, where tokens are dropped and nothing else
// is open: the patches of pictures and what objectives make of them may be.
func (p Plan) tokens(config siglip2.Config) int64 {
	switch {
	case !p.dropsTokens(config):
		return config.Text.Length
	case p.Mode.start(p.LoRA, "vision") == nothing:
		return graph.Batch
	default:
		return p.Keep.Tokens
	}
}

// keptTokens declares the tokens that are kept; nil where all are.
func (c *Composition) keptTokens() *siglip2.KeptTokens {
	if !c.Plan.dropsTokens(c.Config) {
		return nil
	}
	return &siglip2.KeptTokens{
		Positions: c.Graph.Input(positionsInput, graph.Int64, c.Plan.tokens(c.Config)),
		Last:      c.Graph.Input(lastInput, graph.Int64, c.Plan.Texts),
	}
}

// shorten leaves out the tokens of the texts of a batch that a step does not look
// at, and declares the others.
func (l *Learner) shorten(batch *Batch) {
	config := l.textEncoder.config
	if !l.plan.dropsTokens(config) {
		return
	}
	texts, length, keep := l.plan.Texts, config.Text.Length, l.plan.Keep.Tokens
	if ids := batch.Texts.Ints; ids != nil {
		if l.plan.tokens(config) == graph.Batch {
			keep = min(keep, Longest(ids, length)+1)
		}
		batch.Texts = ort.Ints(shortened(ids, length, keep, 1), texts, keep)
	} else {
		width := config.Text.Width
		batch.Texts = ort.Floats(shortened(batch.Texts.Floats, length, keep, width), texts*keep, width)
	}
	positions, last := make([]int64, keep), make([]int64, texts)
	for i := range keep - 1 {
		positions[i] = i
	}
	positions[keep-1] = length - 1
	for i := range texts {
		last[i] = (i+1)*keep - 1
	}
	batch.kept = map[string]ort.Tensor{positionsInput: ort.Ints(positions, keep), lastInput: ort.Ints(last, texts)}
}

// Longest is the most tokens that any of some texts has, of token ids of a length
// each, without those at its end that are like its last one: padding, if there is
// any.
func Longest(ids []int64, length int64) int64 {
	most := int64(0)
	for text := range slices.Chunk(ids, int(length)) {
		end := length - 1
		for end > 0 && text[end-1] == text[length-1] {
			end--
		}
		most = max(most, end)
	}
	return most
}

// shortened gives the first tokens of each text and the last one, so many in all,
// of values of a width.
func shortened[T any](values []T, length, keep, width int64) []T {
	result := make([]T, 0, int64(len(values))/length*keep)
	for text := range slices.Chunk(values, int(length*width)) {
		result = append(append(result, text[:(keep-1)*width]...), text[(length-1)*width:]...)
	}
	return result
}

// giveKept chooses the patches that a step looks at: different ones for each number.
func (l *Learner) giveKept(given map[string]ort.Tensor, number uint64) {
	keep, patches := l.plan.Keep.Patches, l.pictureEncoder.config.Vision.Patches()
	if !l.plan.drops(keep, patches) {
		return
	}
	random := rand.New(rand.NewPCG(number, uint64(patches)))
	rows := make([]int64, 0, l.plan.Pictures*keep)
	for picture := range l.plan.Pictures {
		chosen := random.Perm(int(patches))[:keep]
		slices.Sort(chosen)
		for _, patch := range chosen {
			rows = append(rows, picture*patches+int64(patch))
		}
	}
	given[patchesInput] = ort.Ints(rows, int64(len(rows)))
}

// KeepAll lets the steps from now on look at everything. After an error the
// learner can only be closed.
func (l *Learner) KeepAll() error {
	if l.plan.Keep == (Keep{}) {
		return nil
	}
	l.plan.Keep = Keep{}
	o := l.textEncoder.opening
	o.plan = l.plan
	whole, err := compose(o.config, o.frozen(), o.plan)
	if err != nil {
		return err
	}
	return l.use(o, whole)
}
