package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"polylens/encoder/safetensors"
	"polylens/internal/ordinary"
)

// Model is what a model directory is made of.
type Model struct {
	// Original is the checkpoint that was trained. Tensors that are not in
	// Changed are copied from it byte for byte, unless Matrices is set. Nil for a
	// model trained from scratch, whose tensors are all in Changed.
	Original *safetensors.Index
	Changed  []Changed

	// Matrices is the type that numbers of the original are stored in where a
	// tensor has two axes or more: F32, F16 or BF16. Biases, norms and the
	// temperature, less than a hundredth of a model, stay as they are, and "" leaves
	// all.
	Matrices safetensors.DType

	Weights string // name of the file of the weights; "" is model.safetensors

	Copy  []string          // paths of files taken as they are: config.json, those of the tokenizer, ...
	Files map[string][]byte // further files, by name
}

// Changed is a tensor that takes the place of the original's of its name.
type Changed struct {
	Name   string
	DType  safetensors.DType // to be stored as: F32, F16 or BF16
	Shape  []int64           // another than the original's where the vocabulary or the positions have changed
	Values []float32
}

// WriteModel writes a model directory in the official layout, weights in one
// model.safetensors. dir appears whole, flushed to the disk, or not at all; it
// must not exist. Tensors pass through one at a time, in pieces: the model is
// never in memory twice.
//
// It is an error if a changed tensor is not in the original, does not fill its
// shape or holds a value that is not finite, or that its type cannot hold. An error is a *SpaceError,
// wrapped, where the disk is full.
func WriteModel(ctx context.Context, dir string, model Model) error {
	if err := model.write(ctx, filepath.Clean(dir)); err != nil {
		return fmt.Errorf("the model %s was not written: %w", dir, err)
	}
	return nil
}

func (m Model) write(ctx context.Context, dir string) error {
	if _, err := ordinary.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, errors.New("it exists already: name another directory, or remove it"))
	}
	tensors, err := m.tensors()
	if err != nil {
		return err
	}
	needed, err := m.bytes(tensors)
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if err := CheckSpace(parent, needed); err != nil {
		return err
	}
	err = makeDirectory(dir, func(fresh string) error { return m.fill(ctx, fresh, tensors) })
	return explainSpace(err, parent, needed)
}

// fill writes the files of the model into an empty directory.
func (m Model) fill(ctx context.Context, dir string, tensors []source) error {
	for _, path := range m.Copy {
		if err := copyFile(ctx, path, filepath.Join(dir, filepath.Base(path))); err != nil {
			return err
		}
	}
	for name, content := range m.Files {
		if filepath.Base(name) != name || !filepath.IsLocal(name) {
			return fmt.Errorf("%q cannot name a file of a model", name)
		}
		if _, err := writeContent(ctx, filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	weights := filepath.Join(dir, cmp.Or(m.Weights, safetensors.SingleFile))
	_, err := writeFile(ctx, weights, func(to io.Writer) error { return writeTensors(to, tensors) })
	if err != nil {
		return err
	}
	_, err = safetensors.OpenFile(weights) // what is not readable never gets its name
	return err
}

func copyFile(ctx context.Context, from, to string) error {
	file, err := ordinary.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = writeFile(ctx, to, func(w io.Writer) error {
		_, err := io.Copy(w, file)
		return err
	})
	return err
}

// tensors lists all tensors of the model in the order to write them: wide types
// first, so that each is aligned to its elements, then by name.
func (m Model) tensors() ([]source, error) {
	if _, err := encoding(cmp.Or(m.Matrices, safetensors.F32)); err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	var all []source
	for _, tensor := range m.Changed {
		if err := m.check(tensor); err != nil {
			return nil, err
		}
		changed[tensor.Name] = true // NewWriter refuses a second of the name
		described := safetensors.Tensor{Name: tensor.Name, DType: tensor.DType, Shape: tensor.Shape}
		all = append(all, source{Tensor: described, changed: tensor.Values})
	}
	if m.Original != nil {
		for _, name := range m.Original.Names() {
			if tensor, _ := m.Original.Tensor(name); !changed[name] {
				all = append(all, m.kept(tensor))
			}
		}
	}
	slices.SortFunc(all, func(a, b source) int {
		return cmp.Or(cmp.Compare(b.width(), a.width()), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

func (m Model) check(tensor Changed) error {
	if _, err := encoding(tensor.DType); err != nil {
		return fmt.Errorf("tensor %q: %w", tensor.Name, err)
	}
	if elements(tensor.Shape) != int64(len(tensor.Values)) {
		return fmt.Errorf("tensor %q has %d values for the shape %v", tensor.Name, len(tensor.Values), tensor.Shape)
	}
	if m.Original == nil {
		return nil
	}
	if _, known := m.Original.Tensor(tensor.Name); !known {
		return fmt.Errorf("tensor %q is not in the original %s", tensor.Name, m.Original.Dir)
	}
	return nil
}

func describe(tensors []source) []safetensors.Tensor {
	described := make([]safetensors.Tensor, len(tensors))
	for i, tensor := range tensors {
		described[i] = tensor.Tensor
	}
	return described
}

// bytes is what the model takes on the disk.
func (m Model) bytes(tensors []source) (int64, error) {
	total, err := headerBytes(describe(tensors))
	if err != nil {
		return 0, err
	}
	for _, tensor := range tensors {
		total += tensor.bytes()
	}
	for _, content := range m.Files {
		total += int64(len(content))
	}
	for _, path := range m.Copy {
		info, err := ordinary.Stat(path)
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

func writeTensors(to io.Writer, tensors []source) error {
	writer, err := safetensors.NewWriter(to, describe(tensors))
	if err != nil {
		return err
	}
	for _, tensor := range tensors {
		if err := tensor.write(writer); err != nil {
			return fmt.Errorf("tensor %q: %w", tensor.Name, err)
		}
	}
	return writer.Close()
}
