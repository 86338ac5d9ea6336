package siglip2

// VisionFLOPs is how many floating point operations the vision tower takes for
// a picture of so many patches, a multiplication and its addition counted as
// two. Matrix products alone count, as is the custom: norms, activations and
// softmax add less than one percent. c.Vision.Patches() is the number of
// patches of a model of fixed resolution.
//
// It counts the architecture as it is published, so that rates of different
// programs compare. BuildVision takes a little less: its pooling head projects
// no keys and no values.
func (c Config) VisionFLOPs(patches int64) int64 {
	v := c.Vision
	embed := patches * v.Channels * int64(v.Patch) * int64(v.Patch) * v.Width
	return 2 * (embed + v.blockProducts(patches) + v.poolProducts(patches))
}

// TextFLOPs is how many floating point operations the text tower takes for a
// text, counted as by VisionFLOPs. BuildText takes less: its last block computes
// the one position that the embedding is read from.
func (c Config) TextFLOPs() int64 {
	return 2 * (c.Text.blockProducts(c.Text.Length) + c.Text.Width*c.Text.Projection)
}

// blockProducts counts the multiplications of all blocks on a sequence of n:
// the four projections of attention, its scores and sums, and the MLP.
func (t Tower) blockProducts(n int64) int64 {
	return t.Layers * (4*n*t.Width*t.Width + 2*n*n*t.Width + n*t.mlpProducts())
}

func (t Tower) mlpProducts() int64 { return 2 * t.Width * t.MLP }

// poolProducts counts the multiplications of the attention pooling head, whose
// one query attends to n patches.
func (t Tower) poolProducts(n int64) int64 {
	return (2*n+2)*t.Width*t.Width + 2*n*t.Width + t.mlpProducts()
}
