package encoder

import (
	"context"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/siglip2"
)

// composedText is a text tower composed by package siglip2.
type composedText struct {
	*session
	vocabulary int64
}

func (t *composedText) check(row []int64) error {
	if largest := slices.Max(row); largest >= t.vocabulary {
		return fmt.Errorf("the tokenizer gives token %d, but config.json has vocab_size %d: the files belong to different models",
			largest, t.vocabulary)
	}
	return nil
}

func (t *composedText) encode(ctx context.Context, rows [][]int64) ([][]float32, error) {
	results, err := t.run(ctx, ort.Ints(slices.Concat(rows...), int64(len(rows)), int64(len(rows[0]))))
	if err != nil {
		return nil, err
	}
	return split(results[0])
}

// composedVision is a vision tower of fixed resolution.
type composedVision struct {
	*session
	config siglip2.VisionConfig
}

func (t *composedVision) input(pictures []preprocess.Pixels) ort.Tensor {
	side := int64(t.config.Image)
	values := make([]float32, 0, len(pictures)*3*int(side*side))
	for _, picture := range pictures {
		values = append(values, picture.Values...)
	}
	return ort.Floats(values, int64(len(pictures)), 3, side, side)
}

func (t *composedVision) encode(ctx context.Context, pictures []preprocess.Pixels) ([][]float32, error) {
	results, err := t.run(ctx, t.input(pictures))
	if err != nil {
		return nil, err
	}
	return split(results[0])
}

func (t *composedVision) dense(ctx context.Context, picture preprocess.Pixels) (Dense, error) {
	results, err := t.runAll(ctx, t.input([]preprocess.Pixels{picture}))
	if err != nil {
		return Dense{}, err
	}
	grid := int(t.config.Grid())
	return denseOf(results, grid, grid)
}

// denseOf takes the outputs embedding and last hidden state of one picture apart.
func denseOf(results []ort.Tensor, rows, columns int) (Dense, error) {
	vectors, err := split(results[0])
	if err != nil {
		return Dense{}, err
	}
	states := results[1].Floats
	return Dense{Rows: rows, Columns: columns, Width: len(states) / (rows * columns), States: states, Embedding: vectors[0]}, nil
}

// composedNaFlex is a vision tower that takes the patches of one picture.
type composedNaFlex struct {
	*session
	config    siglip2.VisionConfig
	positions *lru.Cache[[2]int, []float32] // position weights by grid
}

// positionCache is how many grids are remembered: at most 1 MB each, and most
// pictures of a collection have one of a few shapes.
const positionCache = 32

// inputs are the patches of a picture and where they are.
func (t *composedNaFlex) inputs(picture preprocess.Pixels) (patches, positions ort.Tensor) {
	grid := [2]int{picture.Rows, picture.Columns}
	weights, cached := t.positions.Get(grid)
	if !cached {
		weights = siglip2.PositionWeights(t.config, picture.Rows, picture.Columns)
		t.positions.Add(grid, weights)
	}
	count := int64(picture.Rows * picture.Columns)
	return ort.Floats(picture.Values, count, t.config.PatchValues()), ort.Floats(weights, count, t.config.Positions)
}

func (t *composedNaFlex) encode(ctx context.Context, pictures []preprocess.Pixels) ([][]float32, error) {
	vectors := make([][]float32, len(pictures))
	for i, picture := range pictures {
		patches, positions := t.inputs(picture)
		results, err := t.run(ctx, patches, positions)
		if err != nil {
			return nil, err
		}
		rows, err := split(results[0])
		if err != nil {
			return nil, err
		}
		vectors[i] = rows[0]
	}
	return vectors, nil
}

func (t *composedNaFlex) dense(ctx context.Context, picture preprocess.Pixels) (Dense, error) {
	patches, positions := t.inputs(picture)
	results, err := t.runAll(ctx, patches, positions)
	if err != nil {
		return Dense{}, err
	}
	return denseOf(results, picture.Rows, picture.Columns)
}
