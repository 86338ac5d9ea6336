package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Names of the files that hold weights in a model directory.
const (
	SingleFile = "model.safetensors"
	IndexFile  = "model.safetensors.index.json"
)

// Limits of a shard index.
const (
	maxIndex  = 100_000_000
	maxShards = 10_000
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

// Index holds the checked tensors of a model directory.
type Index struct {
	Dir     string
	Files   []string // weight files, relative to Dir, sorted
	tensors map[string]Tensor
}

// Open checks the weights of a model directory: model.safetensors, or else
// the shards that model.safetensors.index.json lists. It reads headers only.
// Errors are *FileError.
func Open(dir string) (*Index, error) {
	_, err := os.Lstat(filepath.Join(dir, SingleFile))
	if err == nil {
		return openSingle(dir)
	}
	if _, err := os.Lstat(filepath.Join(dir, IndexFile)); err == nil {
		return openSharded(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("holds neither %s nor %s", SingleFile, IndexFile)
	}
	return nil, &FileError{dir, err}
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

func openSingle(dir string) (*Index, error) {
	index := &Index{Dir: dir, tensors: map[string]Tensor{}}
	return index, index.add(SingleFile)
}

// add checks one weight file and takes its tensors up.
func (x *Index) add(file string) error {
	path := filepath.Join(x.Dir, file)
	tensors, err := readFile(path, file)
	if err != nil {
		return &FileError{path, err}
	}
	for _, tensor := range tensors {
		if other, taken := x.tensors[tensor.Name]; taken {
			return &FileError{path, fmt.Errorf("holds tensor %q, which %s holds too", tensor.Name, other.File)}
		}
		x.tensors[tensor.Name] = tensor
	}
	x.Files = append(x.Files, file)
	return nil
}

func readFile(path, file string) ([]Tensor, error) {
	if !filepath.IsLocal(file) || filepath.Base(file) != file {
		return nil, errors.New("lies outside the model directory, which is refused")
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("is missing")
	}
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, errors.New("is a symbolic link, which is refused: copy the file it points to in its place (`hf download` with --local-dir makes no links)")
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse(f, file, info.Size())
}

func openSharded(dir string) (*Index, error) {
	path := filepath.Join(dir, IndexFile)
	shardOf, err := readShardIndex(path)
	if err != nil {
		return nil, &FileError{path, err}
	}
	index := &Index{Dir: dir, tensors: map[string]Tensor{}}
	for _, shard := range shardsOf(shardOf) {
		if err := index.add(shard); err != nil {
			return nil, err
		}
	}
	return index, index.checkShards(path, shardOf)
}

// readShardIndex returns the file that holds each tensor.
func readShardIndex(path string) (map[string]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxIndex {
		return nil, fmt.Errorf("is larger than %d bytes", maxIndex)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseShardIndex(content)
}

func parseShardIndex(content []byte) (map[string]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
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

// checkShards demands that index and shards tell the same.
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
