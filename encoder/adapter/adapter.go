package adapter

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"polylens/encoder/safetensors"

	"polylens/internal/ordinary"
)

// Names of the files of an adapter directory.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
	pickleFile  = "adapter_model.bin"
)

// Adapter is an opened adapter whose parts fit together.
type Adapter struct {
	dir    string
	config config
	index  *safetensors.Index
	deltas map[string]Delta // by the name of the base weight
}

// Open reads and checks the adapter in dir: its config and the header of its weights.
// Where PEFT supports something that Polylens does not, the error names the key.
func Open(dir string) (*Adapter, error) {
	c, err := readConfig(filepath.Join(dir, ConfigFile))
	if err != nil {
		return nil, err
	}
	index, err := openWeights(dir)
	if err != nil {
		return nil, err
	}
	names := index.Names()
	if err := c.checkWork(names); err != nil {
		return nil, fmt.Errorf("adapter %s: %w", dir, err)
	}
	a := &Adapter{dir: dir, config: c, index: index, deltas: map[string]Delta{}}
	for _, name := range names {
		if isLeftOver(name) {
			continue
		}
		if err := a.take(name); err != nil {
			return nil, fmt.Errorf("adapter %s: %w", dir, err)
		}
	}
	return a, a.check()
}

func openWeights(dir string) (*safetensors.Index, error) {
	path := filepath.Join(dir, WeightsFile)
	if _, err := ordinary.Stat(path); err != nil {
		if _, err := ordinary.Stat(filepath.Join(dir, pickleFile)); err == nil {
			return nil, fmt.Errorf("%s holds %s, which can run any code and is refused; save the adapter as %s with PEFT's save_pretrained",
				dir, pickleFile, WeightsFile)
		}
	}
	return safetensors.OpenFile(path)
}

// take assigns one tensor of the file to the weight that it changes.
func (a *Adapter) take(name string) error {
	found, err := parseName(name)
	if err != nil {
		return err
	}
	tensor, _ := a.index.Tensor(name)
	delta := a.deltas[found.target]
	slot := found.slot(&delta)
	if *slot != nil {
		return fmt.Errorf("tensors %q and %q have the same part in %q", (*slot).Name, name, found.target)
	}
	*slot = &tensor
	if found.part != replaces {
		rank, scale := a.config.of(found.layer)
		delta.rank, delta.Scale = rank, scale*found.times
		delta.Transposed = delta.Transposed || found.embedding
	}
	a.deltas[found.target] = delta
	return nil
}

func (a *Adapter) check() error {
	if len(a.deltas) == 0 {
		return fmt.Errorf("adapter %s holds no weights", a.dir)
	}
	for _, name := range a.Targets() {
		if err := a.deltas[name].check(a.config.doRA); err != nil {
			return fmt.Errorf("adapter %s, for the weight %q: %w", a.dir, name, err)
		}
	}
	return nil
}

// Base returns what the adapter says it was trained on: the name of a model or
// a folder, and a revision. Both may be empty.
func (a *Adapter) Base() (name, revision string) { return a.config.base, a.config.revision }

// Targets lists the base weights that change, sorted.
func (a *Adapter) Targets() []string { return slices.Sorted(maps.Keys(a.deltas)) }

// Delta says how the named base weight changes, and whether it does.
func (a *Adapter) Delta(name string) (Delta, bool) {
	delta, ok := a.deltas[name]
	return delta, ok
}

// Check demands that the model has every weight that the adapter changes, in
// the shape that it was trained for.
func (a *Adapter) Check(model *safetensors.Index) error {
	var missing []error
	for _, name := range a.Targets() {
		want := a.deltas[name].Shape()
		tensor, ok := model.Tensor(name)
		switch {
		case !ok:
			missing = append(missing, fmt.Errorf("the model lacks %q", name))
		case !slices.Equal(tensor.Shape, want):
			missing = append(missing, fmt.Errorf("%q has shape %v in the model, the adapter needs %v", name, tensor.Shape, want))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	more := max(len(missing)-3, 0)
	return fmt.Errorf("adapter %s was trained on another model than %s (%d more weights do not fit): %w; its base is %q",
		a.dir, model.Dir, more, errors.Join(missing[:len(missing)-more]...), a.config.base)
}
