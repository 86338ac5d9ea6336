package hub

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"polylens/encoder/adapter"
	"polylens/encoder/safetensors"
)

// Files that say what a model is; each is fetched if the model has it. The
// folders are those of Immich's layout.
var descriptions = []string{
	"config.json", "preprocessor_config.json", "processor_config.json",
	"tokenizer.json", "tokenizer.model", "spiece.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	adapter.ConfigFile, "README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE",
	"visual/preprocess_cfg.json", "textual/tokenizer.json", "textual/tokenizer_config.json", "textual/special_tokens_map.json",
}

var (
	shardPattern = regexp.MustCompile(`^model-[0-9]{5}-of-[0-9]{5}\.safetensors$`)
	// The suffix of the hub's exports names their precision, "" being fp32; what
	// follows .onnx holds the weights that a graph of 2 GB cannot.
	exportPattern = regexp.MustCompile(`^onnx/(?:vision_model|text_model|model)((?:_[a-z0-9]+)?)\.onnx(?:[._]data(?:_[0-9]+)?)?$`)
	immichPattern = regexp.MustCompile(`^(?:visual|textual)/model\.onnx(?:[._]data(?:_[0-9]+)?)?$`)
)

// fullPrecision is the name of the exports that have no suffix.
const fullPrecision = "fp32"

// precisionOf is the precision of an ONNX file, "" for any other file.
func precisionOf(name string) string {
	if immichPattern.MatchString(name) {
		return fullPrecision
	}
	match := exportPattern.FindStringSubmatch(name)
	switch {
	case match == nil:
		return ""
	case match[1] == "":
		return fullPrecision
	}
	return match[1][1:]
}

// matters reports whether choose may pick a file of this name.
func matters(name string) bool {
	return slices.Contains(descriptions, name) || name == safetensors.IndexFile || holdsWeights(name)
}

func holdsWeights(name string) bool {
	return name == safetensors.SingleFile || name == adapter.WeightsFile || shardPattern.MatchString(name) || precisionOf(name) != ""
}

// choose picks the files that make a model: descriptions, and the weights as
// safetensors or, if there are none or a precision is named, as ONNX of that
// precision. Pickles and code are never among them.
func choose(files []remoteFile, precision string) ([]remoteFile, error) {
	weights := safetensorsOf(files)
	if precision != "" || len(weights) == 0 {
		var err error
		if weights, err = onnxOf(files, precision); err != nil {
			return nil, err
		}
	}
	chosen := slices.Concat(weights, keep(files, func(name string) bool { return slices.Contains(descriptions, name) }))
	slices.SortFunc(chosen, func(a, b remoteFile) int { return strings.Compare(a.Name, b.Name) })
	return chosen, checkDistinct(chosen)
}

func keep(files []remoteFile, wanted func(name string) bool) []remoteFile {
	return slices.DeleteFunc(slices.Clone(files), func(file remoteFile) bool { return !wanted(file.Name) })
}

// safetensorsOf follows safetensors.Open: one file comes before shards.
func safetensorsOf(files []remoteFile) []remoteFile {
	delta := keep(files, func(name string) bool { return name == adapter.WeightsFile })
	if single := keep(files, func(name string) bool { return name == safetensors.SingleFile }); len(single) > 0 {
		return append(single, delta...)
	}
	sharded := keep(files, func(name string) bool { return name == safetensors.IndexFile || shardPattern.MatchString(name) })
	return append(sharded, delta...)
}

// onnxOf takes separate towers before a graph that holds both.
func onnxOf(files []remoteFile, precision string) ([]remoteFile, error) {
	offered := precisions(files)
	switch {
	case len(offered) == 0:
		if precision != "" && len(safetensorsOf(files)) > 0 {
			return nil, errors.New("has its weights as safetensors and no ONNX files: leave --onnx out")
		}
		return nil, errors.New("holds no weights as safetensors or ONNX, and no other form is read: some can run code")
	case precision == "" && len(offered) == 1:
		precision = offered[0]
	case precision == "":
		precision = fullPrecision
	}
	if !slices.Contains(offered, precision) {
		return nil, fmt.Errorf("has no ONNX files of precision %s: choose one with --onnx: %s", precision, strings.Join(offered, ", "))
	}
	chosen := keep(files, func(name string) bool { return precisionOf(name) == precision })
	towers := keep(chosen, func(name string) bool {
		return !strings.HasPrefix(path.Base(name), "model") || immichPattern.MatchString(name)
	})
	if len(towers) > 0 {
		return towers, nil
	}
	return chosen, nil
}

// precisions lists the precisions of the ONNX files, sorted.
func precisions(files []remoteFile) []string {
	offered := map[string]bool{}
	for _, file := range files {
		offered[precisionOf(file.Name)] = true
	}
	delete(offered, "")
	return slices.Sorted(maps.Keys(offered))
}

// checkDistinct refuses names that are one and the same on some file systems.
func checkDistinct(files []remoteFile) error {
	seen := map[string]string{}
	for _, file := range files {
		key := strings.ToLower(file.Name)
		if other, taken := seen[key]; taken {
			return fmt.Errorf("lists both %s and %s, which is refused: on some disks these are the same name", other, file.Name)
		}
		seen[key] = file.Name
		if len(file.Name) > maxPath {
			return fmt.Errorf("names a file longer than %d characters, which is refused", maxPath)
		}
	}
	return nil
}
