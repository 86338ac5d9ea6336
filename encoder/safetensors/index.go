package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"polylens/internal/ordinary"
)

// Names of the files that hold weights in a model directory.
const (
	SingleFile = "model.safetensors"
	IndexFile  = "model.safetensors.index.json"
)

// Limits of a shard index.
const (
	maxIndex  = maxHeaders
	maxShards = 1000
)

// FileError says which file of a model cannot be used, why, and what to do.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s %v; fetch the model again or point to another model directory", e.Path, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// Index holds the checked tensors of a model directory or of one file. It
// keeps no file open, and any number of goroutines may read from it.
type Index struct {
	Dir     string
	Files   []string // weight files, relative to Dir, sorted
	tensors map[string]Tensor
	files   map[string]located
	headers int64 // bytes of the headers so far
}

// located is a weight file as it was when it was checked.
type located struct {
	path string
	info fs.FileInfo
}

// Open checks the weights of a model directory: model.safetensors, or else
// the shards that model.safetensors.index.json lists. It reads headers only.
// Errors are *FileError.
func Open(dir string) (*Index, error) {
	index := newIndex(dir)
	_, err := ordinary.Lstat(filepath.Join(dir, SingleFile))
	if err == nil {
		return index, index.add(SingleFile)
	}
	if _, err := ordinary.Lstat(filepath.Join(dir, IndexFile)); err == nil {
		return index, index.addShards()
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("holds neither %s nor %s", SingleFile, IndexFile)
	}
	return nil, &FileError{dir, err}
}

// OpenFile checks one safetensors file, whatever its name: for weights that
// are no whole model, such as adapters. Errors are *FileError.
func OpenFile(path string) (*Index, error) {
	index := newIndex(filepath.Dir(path))
	return index, index.add(filepath.Base(path))
}

func newIndex(dir string) *Index {
	return &Index{Dir: dir, tensors: map[string]Tensor{}, files: map[string]located{}}
}

// Tensor returns the named tensor.
func (x *Index) Tensor(name string) (Tensor, bool) {
	tensor, ok := x.tensors[name]
	return tensor, ok
}

// Names lists all tensors, sorted.
func (x *Index) Names() []string {
	names := make([]string, 0, len(x.tensors))
	for name := range x.tensors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Elements is the number of elements of all tensors: the model's parameters.
func (x *Index) Elements() int64 {
	var total int64
	for _, tensor := range x.tensors {
		total += tensor.Elements()
	}
	return total
}

// add checks one weight file and takes its tensors up.
func (x *Index) add(name string) error {
	path := filepath.Join(x.Dir, name)
	tensors, err := x.readHeader(name)
	if err != nil {
		return &FileError{path, err}
	}
	for _, tensor := range tensors {
		if other, taken := x.tensors[tensor.Name]; taken {
			return &FileError{path, fmt.Errorf("holds tensor %q, which %s holds too", tensor.Name, other.File)}
		}
		x.tensors[tensor.Name] = tensor
	}
	if len(x.tensors) > maxTensors {
		return &FileError{path, fmt.Errorf("gives the model more than %d tensors, which is the limit", maxTensors)}
	}
	x.Files = append(x.Files, name)
	return nil
}

func (x *Index) readHeader(name string) ([]Tensor, error) {
	found, err := x.locate(name)
	if err != nil {
		return nil, err
	}
	f, err := found.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x.files[name] = found
	header, err := readHeader(f, found.info.Size(), maxHeaders-x.headers)
	if err != nil {
		return nil, err
	}
	x.headers += int64(len(header))
	return parseHeader(header, name, found.info.Size())
}

// addShards checks the shard index and every shard that it lists.
func (x *Index) addShards() error {
	path := filepath.Join(x.Dir, IndexFile)
	shardOf, err := x.readShardIndex()
	if err != nil {
		return &FileError{path, err}
	}
	for _, shard := range shardsOf(shardOf) {
		if err := x.add(shard); err != nil {
			return err
		}
	}
	return x.checkShards(path, shardOf)
}

// readShardIndex returns the file that holds each tensor.
func (x *Index) readShardIndex() (map[string]string, error) {
	found, err := x.locate(IndexFile)
	if err != nil {
		return nil, err
	}
	if found.info.Size() > maxIndex {
		return nil, fmt.Errorf("is larger than %d bytes", maxIndex)
	}
	f, err := found.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxIndex))
	if err != nil {
		return nil, err
	}
	return parseShardIndex(content)
}

func parseShardIndex(content []byte) (map[string]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if !json.Valid(content) {
		return nil, errors.New("is no shard index: it is not JSON")
	}
	if err := checkKeys(content, 2, maxTensors, "tensors"); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &index); err != nil {
		return nil, fmt.Errorf("is no shard index: %w", err)
	}
	if len(index.WeightMap) == 0 {
		return nil, errors.New("lists no tensors in its weight_map")
	}
	if shards := shardsOf(index.WeightMap); len(shards) > maxShards {
		return nil, fmt.Errorf("lists %d shards, more than %d", len(shards), maxShards)
	}
	return index.WeightMap, nil
}

func shardsOf(shardOf map[string]string) []string {
	var shards []string
	for _, shard := range shardOf {
		shards = append(shards, shard)
	}
	slices.Sort(shards)
	return slices.Compact(shards)
}

// checkShards demands that index and shards agree.
func (x *Index) checkShards(path string, shardOf map[string]string) error {
	for name, shard := range shardOf {
		if x.tensors[name].File != shard {
			return &FileError{path, fmt.Errorf("says that %s holds tensor %q, but it does not", shard, name)}
		}
	}
	for name, tensor := range x.tensors {
		if _, listed := shardOf[name]; !listed {
			return &FileError{path, fmt.Errorf("does not list tensor %q of %s", name, tensor.File)}
		}
	}
	return nil
}
