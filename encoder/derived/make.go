package derived

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"polylens/encoder/half"
	"polylens/encoder/safetensors"
	"polylens/internal/lock"
	"polylens/internal/replace"
)

// Make returns the weights that a recipe gives, from the cache folder if they
// are there. They appear there complete or not at all; several processes may
// ask at once.
func Make(ctx context.Context, recipe Recipe, cache string) (*safetensors.Index, error) {
	if !recipe.Needed() {
		return recipe.Source, nil
	}
	folder := filepath.Join(cache, "derived", recipe.name())
	if index, err := safetensors.Open(folder); err == nil {
		return index, nil
	}
	if err := makeLocked(ctx, recipe, folder); err != nil {
		return nil, fmt.Errorf("preparing the weights in %s: %w", recipe.Precision, err)
	}
	return safetensors.Open(folder)
}

// makeLocked lets one process at a time write into the cache folder. The lock
// ends with the process that holds it.
func makeLocked(ctx context.Context, recipe Recipe, folder string) error {
	parent := filepath.Dir(folder)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	held, err := lock.Wait(ctx, filepath.Join(parent, ".lock"), nil)
	if err != nil {
		return err
	}
	defer held.Close()
	if _, err := safetensors.Open(folder); err == nil {
		return nil // another process was faster
	}
	if err := replace.SweepDirectories(parent); err != nil { // of other recipes too: they take much room
		return err
	}
	return replace.Directory(folder, 0o700, func(dir string) error {
		return recipe.writeFile(ctx, filepath.Join(dir, safetensors.SingleFile))
	})
}

func (r Recipe) writeFile(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err := r.write(ctx, buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// write streams all tensors: the largest alone is in memory, a table by rows.
func (r Recipe) write(ctx context.Context, buffered *bufio.Writer) error {
	var made []safetensors.Tensor
	names := r.Source.Names()
	for _, name := range names {
		tensor, _ := r.Source.Tensor(name)
		made = append(made, r.describe(tensor)...)
	}
	w, err := safetensors.NewWriter(buffered, made)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.writeTensor(w, name); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	return w.Close()
}

func (r Recipe) writeTensor(w *safetensors.Writer, name string) error {
	tensor, _ := r.Source.Tensor(name)
	how := r.treat(tensor)
	if how == quantizeRows && !r.merged(name) {
		return r.writeTable(w, tensor)
	}
	if how == keep && !r.merged(name) {
		raw, err := r.Source.Raw(name)
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	}
	weight, err := r.values(tensor)
	if err != nil {
		return err
	}
	return writeAs(w, how, weight, tensor.Shape)
}

// values are a tensor's numbers with the adapter merged into them.
func (r Recipe) values(tensor safetensors.Tensor) ([]float32, error) {
	weight, err := r.Source.Floats(tensor.Name)
	if err != nil || !r.merged(tensor.Name) {
		return weight, err
	}
	return weight, r.Adapter.Merge(tensor.Name, weight, tensor.Shape)
}

func writeAs(w *safetensors.Writer, how treatment, weight []float32, shape []int64) error {
	switch how {
	case halve:
		_, err := w.Write(halves(weight))
		return err
	case quantize:
		columns, scales := transposed(weight, int(shape[0]), int(shape[1]))
		return writeBoth(w, columns, scales)
	case quantizeRows:
		rows, scales := quantizedRows(weight, int(shape[1]))
		return writeBoth(w, rows, scales)
	default:
		_, err := w.Write(safetensors.FloatBytes(weight))
		return err
	}
}

func writeBoth(w *safetensors.Writer, weight []byte, scales []float32) error {
	if _, err := w.Write(weight); err != nil {
		return err
	}
	_, err := w.Write(safetensors.FloatBytes(scales))
	return err
}

func halves(values []float32) []byte {
	raw := make([]byte, 0, 2*len(values))
	for _, value := range values {
		raw = binary.LittleEndian.AppendUint16(raw, half.To(value))
	}
	return raw
}

// quantizedRows quantizes a matrix as it is stored, one scale for each row.
func quantizedRows(weight []float32, width int) ([]byte, []float32) {
	raw, scales := make([]byte, len(weight)), make([]float32, len(weight)/width)
	row := make([]int8, width)
	for i := range scales {
		scales[i] = quantizeRow(row, weight[i*width:][:width])
		for j, q := range row {
			raw[i*width+j] = byte(q)
		}
	}
	return raw, scales
}

// tableRows is how many rows of a table are in memory at a time.
const tableRows = 4096

// writeTable quantizes a table that is too large to be read at once.
func (r Recipe) writeTable(w *safetensors.Writer, tensor safetensors.Tensor) error {
	count, width := tensor.Shape[0], tensor.Shape[1]
	scales := make([]float32, 0, count)
	for first := int64(0); first < count; first += tableRows {
		rows := make([]float32, min(tableRows, count-first)*width)
		if err := r.Source.ReadRows(tensor.Name, first, rows); err != nil {
			return err
		}
		raw, some := quantizedRows(rows, int(width))
		scales = append(scales, some...)
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	_, err := w.Write(safetensors.FloatBytes(scales))
	return err
}
