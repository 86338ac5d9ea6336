package hub

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"polylens/encoder/onnxfile"
	"polylens/encoder/siglip2"
	"polylens/internal/text"
)

// hasONNX looks where onnxfile.Find does.
func hasONNX(dir string) bool {
	for _, pattern := range []string{"*.onnx", "*/*.onnx"} {
		if found, _ := filepath.Glob(filepath.Join(text.QuoteGlob(dir), pattern)); len(found) > 0 { // the pattern is sound
			return true
		}
	}
	return false
}

// describeONNX describes the precision that is taken when none is named. Sizes
// that the files leave open are those of config.json if there is one, else 0.
func describeONNX(dir string, info *Info) error {
	pair, err := onnxfile.Find(dir, "")
	if err != nil {
		return err
	}
	if config, err := siglip2.ReadConfig(dir); err == nil { // Immich's is of another form
		describeConfig(config, info)
	}
	info.Kind = KindONNX
	if dimension := max(pair.Image.Dimension, pair.Text.Dimension); dimension > 0 {
		info.Dimension = int(dimension)
	}
	switch image := pair.Image; {
	case image.NaFlex() && image.Length > 0:
		info.Patches = int(image.Length)
	case image.ImageSize > 0:
		info.ImageSize = int(image.ImageSize)
	}
	return nil
}

// Files of Immich's layout that decide what its model computes.
var immichCompanions = []string{
	"visual/preprocess_cfg.json", "textual/tokenizer.json", "textual/tokenizer_config.json", "textual/special_tokens_map.json",
}

// onnxFiles are those of the precision that is taken when none is named.
func onnxFiles(dir string) ([]string, error) { return exportFiles(dir, "") }

// exportFiles are the two graphs, everything beside them in which they may keep
// weights, and the files for tokens and pixels.
func exportFiles(dir, suffix string) ([]string, error) {
	pair, err := onnxfile.Find(dir, suffix)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(present(dir, []string{siglip2.ConfigFile}), companionsIn(dir), present(dir, immichCompanions))
	for _, graph := range []string{pair.Image.Path, pair.Text.Path} {
		name, err := filepath.Rel(dir, graph)
		if err != nil {
			return nil, err
		}
		weights, err := weightsOf(dir, filepath.ToSlash(name))
		if err != nil {
			return nil, err
		}
		names = append(names, weights...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// weightsOf lists a graph and what it may keep its weights in. To tell exactly,
// the graph would have to be read, which can be 2 GB: so it is every file in its
// folder but other graphs, their weights, and files of text.
func weightsOf(dir, graph string) ([]string, error) {
	var others, names []string
	folder := path.Dir(graph)
	err := filepath.WalkDir(filepath.Join(dir, filepath.FromSlash(folder)), func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		name = filepath.ToSlash(name)
		switch {
		case err != nil || name == "." || name == folder:
			return err
		case strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.IsDir() || slices.Contains(textual, path.Ext(name)):
		case path.Ext(name) == ".onnx" && name != graph:
			others = append(others, name)
		case len(names) >= maxFiles:
			return fmt.Errorf("%s holds more than %d files: leave only those of the model there", filepath.Join(dir, filepath.FromSlash(folder)), maxFiles)
		default:
			names = append(names, name)
		}
		return nil
	})
	return slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(others, func(other string) bool { return strings.HasPrefix(name, other) })
	}), err
}

// textual are the endings of files that hold no weights.
var textual = []string{".json", ".jsonl", ".md", ".txt", ".py", ".jinja"}
