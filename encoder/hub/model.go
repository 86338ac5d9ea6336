package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// Info describes a model directory.
type Info struct {
	Name       string // path below the models folder
	Dir        string
	Kind       string // "siglip", the fixed-resolution architecture of SigLIP 1 and 2
	Dimension  int    // of the embeddings
	ImageSize  int    // pixels on each side
	Parameters int64
	Files      []File
	Bytes      int64  // of all files
	Problem    string // why the model cannot be used; empty when it can
}

// File is one file that makes the model what it is.
type File struct {
	Name  string
	Bytes int64
}

// Files beside config and weights that decide what a model computes. Those
// that a model lacks are skipped.
var companions = []string{
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "preprocessor_config.json",
}

// Describe reads the config and the weights' headers of a model directory.
func Describe(name, dir string) (Info, error) {
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		return Info{}, err
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Name: name, Dir: dir, Kind: "siglip", Dimension: config.Dimension(), ImageSize: int(config.Vision.Image),
		Parameters: index.Elements(),
	}
	info.Files, err = filesOf(index)
	for _, file := range info.Files {
		info.Bytes += file.Bytes
	}
	return info, err
}

// filesOf lists the files that a fingerprint covers, sorted by name.
func filesOf(index *safetensors.Index) ([]File, error) {
	names := append([]string{siglip2.ConfigFile}, index.Files...)
	if !slices.Contains(index.Files, safetensors.SingleFile) {
		names = append(names, safetensors.IndexFile)
	}
	var files []File
	for _, name := range append(names, companions...) {
		info, err := os.Stat(filepath.Join(index.Dir, name))
		if errors.Is(err, fs.ErrNotExist) && slices.Contains(companions, name) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, File{name, info.Size()})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// List describes the models below the models folder, sorted by name, and the
// bundled one, which it unpacks. A directory with a config.json that cannot be
// used is listed with its Problem.
func List(models string) ([]Info, error) {
	if _, err := Bundled(models); err != nil && !errors.Is(err, ErrNotBundled) {
		return nil, err
	}
	var list []Info
	for _, pattern := range []string{"*", "*/*"} { // name and owner/name
		configs, err := filepath.Glob(filepath.Join(escapeGlob(models), pattern, siglip2.ConfigFile))
		if err != nil {
			return nil, err
		}
		for _, config := range configs {
			list = append(list, describeListed(models, filepath.Dir(config))...)
		}
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// escapeGlob makes a path match itself alone.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// describeListed skips hidden folders: unpacking leaves one when interrupted.
func describeListed(models, dir string) []Info {
	name, err := filepath.Rel(models, dir)
	if err != nil || strings.HasPrefix(name, ".") {
		return nil
	}
	info, err := Describe(filepath.ToSlash(name), dir)
	if err != nil {
		info = Info{Name: filepath.ToSlash(name), Dir: dir, Problem: err.Error()}
	}
	return []Info{info}
}

// ErrUnknownModel is returned, wrapped, for a model that Find does not find.
var ErrUnknownModel = errors.New("there is no model")

// Find returns the directory of a model: the bundled one, unpacked, for its
// name; a path to a directory that holds a config.json; or a name below the
// models folder.
func Find(models, model string) (string, error) {
	if model == BundledName {
		return Bundled(models)
	}
	candidates := []string{model}
	if filepath.IsLocal(model) {
		candidates = append(candidates, filepath.Join(models, filepath.FromSlash(model)))
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, siglip2.ConfigFile)); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", fmt.Errorf("%w %q: neither a directory with a %s nor one of the models in %s (`polylens model list` shows them)",
		ErrUnknownModel, model, siglip2.ConfigFile, models)
}
