package learner

import (
	"math/rand/v2"
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// patchesInput names the rows that are looked at: int64 [B K], numbers of
// patches of all pictures, one after the other.
const patchesInput = "kept_patches"

// Keep says how much of pictures and texts a step looks at. Zero is all of it.
type Keep struct {
	// Patches of each picture, chosen at random in each step: training is faster
	// in proportion, and gets along with few (FLIP: Li et al. 2022, arXiv
	// 2212.00794).
	Patches int64
	// Tokens of each text, the first ones with the last position, which the vector
	// is read from. What is left out is padding mostly (CLIPA: Li et al. 2023,
	// arXiv 2305.07017).
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

// dropTokens gives the rows of the positions that are kept: [T L, D] to [T K, D];
// nil where all are.
func (c *Composition) dropTokens() func(rows *graph.Value) *graph.Value {
	keep, length := c.Plan.Keep.Tokens, c.Config.Text.Length
	if !c.Plan.drops(keep, length) {
		return nil
	}
	return func(rows *graph.Value) *graph.Value {
		texts, width := c.Plan.Texts, rows.Shape[1]
		items := graph.Reshape(rows, texts, length, width)
		kept := graph.Concat(1, graph.Slice(items, 1, 0, keep-1), graph.Slice(items, 1, length-1, length))
		return graph.Reshape(kept, texts*keep, width)
	}
}

// giveKept chooses the patches that a step looks at: other ones for each number.
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
