package learner

import (
	"context"
	"fmt"
	"maps"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/siglip2"
)

// Names of further inputs of a step, for a model of native aspect ratio whose B
// pictures are padded to S patches. S is open: it may change from step to step.
const (
	positionsEntry = "positions" // float32 [B S, positions], see siglip2.PositionWeights
	maskEntry      = "mask"      // float32 [B, S], 1 for a patch, 0 for padding
)

// patches composes the vision tower for pictures of native aspect ratio.
func (c *Composition) patches() *graph.Value {
	options := siglip2.Options{Portable: c.Plan.Portable, Prefix: "vision."}
	entry := c.Graph.Input(pictureEntry, graph.Float32, visionShape(c.Config, c.Plan)...)
	block := c.Plan.Mode.start(c.Plan.LoRA, "vision")
	if block == nothing {
		return entry
	}
	mask := c.Graph.Input(maskEntry, graph.Float32, c.Plan.Pictures, graph.Batch)
	if block == everything {
		positions := c.Graph.Input(positionsEntry, graph.Float32, entry.Shape[0], c.Config.Vision.Positions)
		return siglip2.Vision(c.Config, c.parameters, options, siglip2.Picture{Pixels: entry, Positions: positions, Mask: mask})
	}
	return siglip2.PaddedFrom(c.Config, c.parameters, options, entry, mask, block)
}

// patchesShape is visionShape for a model of native aspect ratio.
func patchesShape(config siglip2.Config, plan Plan) []int64 {
	switch plan.Mode.start(plan.LoRA, "vision") {
	case nothing:
		return []int64{plan.Pictures, int64(config.Dimension())}
	case everything:
		return []int64{plan.Pictures * graph.Batch, config.Vision.PatchValues()}
	default:
		return []int64{plan.Pictures * graph.Batch, config.Vision.Width}
	}
}

// entersPatches reports whether pictures enter a step as patches of any number,
// or as what blocks have made of them.
func (l *Learner) entersPatches() bool {
	return l.pictureEncoder.config.NaFlex() && l.plan.Mode.start(l.plan.LoRA, "vision") != nothing
}

// open is the plan for any number of whole texts and pictures. Pictures of native
// aspect ratio come one at a time, with any number of patches.
func (p Plan) open(config siglip2.Config) Plan {
	p.Texts, p.Pictures, p.Keep = graph.Batch, graph.Batch, Keep{}
	if config.NaFlex() && p.Mode.start(p.LoRA, "vision") != nothing {
		p.Pictures = 1
	}
	return p
}

// EnterPatches is EnterPictures for a model of native aspect ratio: it gives
// the Pictures and the Grids of a batch.
func (l *Learner) EnterPatches(ctx context.Context, pictures []preprocess.Pixels) (ort.Tensor, []siglip2.Grid, error) {
	config := l.pictureEncoder.config
	entries, grids, err := below(ctx, l.pictures, config.Vision, pictures)
	if err != nil {
		return ort.Tensor{}, nil, err
	}
	if !l.entersPatches() {
		grids = nil // vectors have none
	}
	return padded(entries, visionShape(config, l.plan)[1]), grids, nil
}

// EncodePatches is EncodePictures for a model of native aspect ratio.
func (f *Frozen) EncodePatches(ctx context.Context, config siglip2.Config, pictures []preprocess.Pixels) (ort.Tensor, error) {
	vectors, _, err := below(ctx, f.pictures, config.Vision, pictures)
	return padded(vectors, int64(config.Dimension())), err
}

// below computes what a graph below the trained part makes of pictures, one by
// one and without padding: rows of each. Without a graph they are its patches.
func below(ctx context.Context, session *ort.Session, vision siglip2.VisionConfig, pictures []preprocess.Pixels) ([][]float32, []siglip2.Grid, error) {
	entries, grids := make([][]float32, len(pictures)), make([]siglip2.Grid, len(pictures))
	for i, picture := range pictures {
		grids[i] = siglip2.Grid{Rows: picture.Rows, Columns: picture.Columns}
		count := int64(grids[i].Patches())
		if want := count * vision.PatchValues(); want == 0 || int64(len(picture.Values)) != want {
			return nil, nil, fmt.Errorf("a picture of %d x %d patches has %d values, where the model takes %d of at least one patch",
				picture.Rows, picture.Columns, len(picture.Values), want)
		}
		if entries[i] = picture.Values; session == nil {
			continue
		}
		positions := ort.Floats(siglip2.PositionWeights(vision, picture.Rows, picture.Columns), count, vision.Positions)
		results, err := session.Run(ctx, ort.Floats(picture.Values, count, vision.PatchValues()), positions)
		if err != nil {
			return nil, nil, err
		}
		entries[i] = results[0].Floats
	}
	return entries, grids, nil
}

// padded puts entries of any number of rows below one another, each with as
// many rows of zeros as the longest has more.
func padded(entries [][]float32, width int64) ort.Tensor {
	longest := 0
	for _, entry := range entries {
		longest = max(longest, len(entry))
	}
	values := make([]float32, len(entries)*longest)
	for i, entry := range entries {
		copy(values[i*longest:], entry)
	}
	return ort.Floats(values, int64(len(values))/width, width)
}

// EncodePatches is EncodePictures for a model of native aspect ratio.
func (l *Learner) EncodePatches(ctx context.Context, pictures []preprocess.Pixels) (ort.Tensor, error) {
	var batch Batch
	var err error
	if batch.Pictures, batch.Grids, err = l.EnterPatches(ctx, pictures); err != nil {
		return ort.Tensor{}, err
	}
	return l.embedPictures(ctx, batch)
}

// embedPictures computes the vectors of the pictures of a batch, of those that
// have grids one by one: nothing is computed for padding.
func (l *Learner) embedPictures(ctx context.Context, batch Batch) (ort.Tensor, error) {
	if len(batch.Grids) == 0 {
		return l.encode(ctx, &l.pictureEncoder, map[string]ort.Tensor{pictureEntry: batch.Pictures})
	}
	width, size := batch.Pictures.Shape[1], len(batch.Pictures.Floats)/len(batch.Grids)
	var vectors []float32
	for i, grid := range batch.Grids {
		count := int64(grid.Patches())
		entries := l.ofGrids(batch.Grids[i : i+1])
		entries[pictureEntry] = ort.Floats(batch.Pictures.Floats[i*size:][:count*width], count, width)
		vector, err := l.encode(ctx, &l.pictureEncoder, entries)
		if err != nil {
			return ort.Tensor{}, err
		}
		vectors = append(vectors, vector.Floats...)
	}
	return ort.Floats(vectors, int64(len(batch.Grids)), int64(l.pictureEncoder.config.Dimension())), nil
}

// ofGrids are the further inputs for pictures of these grids.
func (l *Learner) ofGrids(grids []siglip2.Grid) map[string]ort.Tensor {
	vision, count := l.pictureEncoder.config.Vision, int64(len(grids))
	mask, positions := siglip2.Padding(vision, grids)
	longest := int64(siglip2.Longest(grids))
	return map[string]ort.Tensor{
		maskEntry: ort.Floats(mask, count, longest), positionsEntry: ort.Floats(positions, count*longest, vision.Positions),
	}
}

// giveGrids adds to the inputs of a step what follows from the grids of a batch.
func (l *Learner) giveGrids(given map[string]ort.Tensor, grids []siglip2.Grid) error {
	if !l.entersPatches() {
		return nil
	}
	if int64(len(grids)) != l.plan.Pictures {
		return fmt.Errorf("the batch has grids of %d pictures, and the step takes %d pictures of native aspect ratio: enter them with EnterPatches", len(grids), l.plan.Pictures)
	}
	maps.Copy(given, l.ofGrids(grids))
	return nil
}
