package encoder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"polylens/encoder/onnxfile"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
)

// exportedTower is a tower in an ONNX file that another program made.
type exportedTower struct {
	*session
	tower onnxfile.Tower
}

// feed puts the inputs of a run into the order of the file. An input of the other
// tower, in a file with both, gets the smallest tensor that it takes.
func (t *exportedTower) feed(batch int64, given map[*onnxfile.Port]ort.Tensor) []ort.Tensor {
	byName := map[string]ort.Tensor{}
	for port, tensor := range given {
		if port != nil {
			byName[port.Name] = tensor
		}
	}
	inputs := make([]ort.Tensor, len(t.model.Inputs))
	for i, port := range t.model.Inputs {
		tensor, ok := byName[port.Name]
		if !ok {
			tensor = blank(port, batch)
		}
		inputs[i] = tensor
	}
	return inputs
}

// blank is a tensor of ones: the real thing would cost as much.
func blank(port ort.Port, batch int64) ort.Tensor {
	shape, elements := slices.Clone(port.Shape), int64(1)
	for i, dim := range shape {
		if dim < 0 {
			shape[i] = 1
			if i == 0 {
				shape[i] = batch
			}
		}
		elements *= shape[i]
	}
	if port.Type == ort.Int32 || port.Type == ort.Int64 {
		return ort.Ints(slices.Repeat([]int64{1}, int(elements)), shape...)
	}
	return ort.Floats(slices.Repeat([]float32{1}, int(elements)), shape...)
}

// batches cuts items into as many as the file takes at once.
func batches[T any](items []T, fixed int64) [][]T {
	if fixed <= 0 {
		return [][]T{items}
	}
	return slices.Collect(slices.Chunk(items, int(fixed)))
}

// unit brings embeddings to length one: exports leave that to their users.
func unit(embeddings ort.Tensor) ([][]float32, error) {
	if len(embeddings.Shape) != 2 {
		return nil, fmt.Errorf("the model gives embeddings of shape %v instead of [B, D]", embeddings.Shape)
	}
	width := int(embeddings.Shape[1])
	for row := range slices.Chunk(embeddings.Floats, width) {
		length := float32(norm(row))
		for i := range row {
			row[i] /= length
		}
	}
	return split(embeddings)
}

// exportedText is a text tower that another program made.
type exportedText struct{ *exportedTower }

func (o opening) text(tower onnxfile.Tower) (textTower, error) {
	exported, err := o.tower(tower)
	return exportedText{exported}, err
}

// check has nothing to check: only running the graph shows how many tokens it knows.
func (exportedText) check([]int64) error { return nil }

func (t exportedText) encode(ctx context.Context, rows [][]int64) ([][]float32, error) {
	var vectors [][]float32
	for _, batch := range batches(rows, t.tower.Batch) {
		count, length := int64(len(batch)), int64(len(batch[0]))
		ids := slices.Concat(batch...)
		results, err := t.run(ctx, t.feed(count, map[*onnxfile.Port]ort.Tensor{
			t.tower.Tokens: ort.Ints(ids, count, length),
			t.tower.Mask:   ort.Ints(slices.Repeat([]int64{1}, len(ids)), count, length), // padding counts
		})...)
		if err != nil {
			return nil, err
		}
		some, err := unit(results[0])
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, some...)
	}
	return vectors, nil
}

// exportedVision is a vision tower that another program made.
type exportedVision struct {
	*exportedTower
	pixels *preprocess.Processor // as the model's files say
}

func (o opening) vision(tower onnxfile.Tower, pixels *preprocess.Processor) (visionTower, error) {
	exported, err := o.tower(tower)
	return exportedVision{exported, pixels}, err
}

// inputs are those of one batch that the file takes.
func (t exportedVision) inputs(pictures []preprocess.Pixels) []ort.Tensor {
	count := int64(len(pictures))
	given := map[*onnxfile.Port]ort.Tensor{}
	if t.tower.NaFlex() {
		given[t.tower.Pixels], given[t.tower.Mask], given[t.tower.Grid] = padded(pictures, t.room(pictures), t.pixels.PatchSize())
	} else {
		height, width := t.pixels.Size()
		values := make([]float32, 0, len(pictures)*len(pictures[0].Values))
		for _, picture := range pictures {
			values = append(values, picture.Values...)
		}
		given[t.tower.Pixels] = ort.Floats(values, count, 3, int64(height), int64(width))
	}
	return t.feed(count, given)
}

// room is N, the patches that each picture of a batch is padded to: what the
// file is fixed to, or else the most of the batch.
func (t exportedVision) room(pictures []preprocess.Pixels) int {
	if t.tower.Length > 0 {
		return int(t.tower.Length)
	}
	most := 0
	for _, picture := range pictures {
		most = max(most, picture.Rows*picture.Columns)
	}
	return most
}

// padded are the inputs of a NaFlex tower: patches [B, N, 3 P P], mask [B, N],
// 1 for the real ones, and rows and columns [B, 2].
func padded(pictures []preprocess.Pixels, room, patch int) (patches, mask, grid ort.Tensor) {
	count, width := int64(len(pictures)), 3*patch*patch
	values, real := make([]float32, len(pictures)*room*width), make([]int64, len(pictures)*room)
	shapes := make([]int64, 0, 2*len(pictures))
	for i, picture := range pictures {
		copy(values[i*room*width:], picture.Values)
		for j := range picture.Rows * picture.Columns {
			real[i*room+j] = 1
		}
		shapes = append(shapes, int64(picture.Rows), int64(picture.Columns))
	}
	return ort.Floats(values, count, int64(room), int64(width)), ort.Ints(real, count, int64(room)), ort.Ints(shapes, count, 2)
}

func (t exportedVision) encode(ctx context.Context, pictures []preprocess.Pixels) ([][]float32, error) {
	var vectors [][]float32
	for _, batch := range batches(pictures, t.tower.Batch) {
		results, err := t.run(ctx, t.inputs(batch)...)
		if err != nil {
			return nil, err
		}
		some, err := unit(results[0])
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, some...)
	}
	return vectors, nil
}

func (t exportedVision) dense(ctx context.Context, picture preprocess.Pixels) (Dense, error) {
	if t.tower.Hidden == nil {
		return Dense{}, errors.New("this ONNX export has no output last_hidden_state: take a checkpoint in safetensors for patches")
	}
	results, err := t.runAll(ctx, t.inputs([]preprocess.Pixels{picture})...)
	if err != nil {
		return Dense{}, err
	}
	vectors, err := unit(results[0])
	if err != nil {
		return Dense{}, err
	}
	states := results[1]
	patches, width := int(states.Shape[1]), int(states.Shape[2])
	rows, columns := picture.Rows, picture.Columns
	if !t.tower.NaFlex() {
		for rows*rows < patches {
			rows++
		}
		columns = rows
	}
	return Dense{Rows: rows, Columns: columns, Width: width, States: states.Floats[:rows*columns*width], Embedding: vectors[0]}, nil
}
