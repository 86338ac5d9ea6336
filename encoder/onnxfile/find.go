package onnxfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"polylens/internal/ordinary"
)

// Suffixes are what the hub appends to the names of files to mark their precision,
// the preferred first. Without one a file is fp32.
var Suffixes = []string{"", "_fp16", "_quantized", "_int8", "_uint8", "_q4", "_q4f16", "_bnb4"}

const maxCandidates = 256

// Pair is a model: the two towers, which may be in one file.
type Pair struct {
	Image, Text Tower
	Suffix      string   // of the files
	Others      []string // the suffixes of other complete pairs in the directory
}

// LayoutError says why the towers of a model cannot be identified, and what files
// there are.
type LayoutError struct {
	Dir     string
	Problem string
	Found   []string // every file and what it is
	causes  []error
}

func (e *LayoutError) Error() string {
	found := "there is no .onnx file in it or in the folders in it"
	if len(e.Found) > 0 {
		found = "found were " + strings.Join(e.Found, "; ")
	}
	return fmt.Sprintf("%s %s: %s", e.Dir, e.Problem, found)
}

// Unwrap returns why files could not be read.
func (e *LayoutError) Unwrap() []error { return e.causes }

// candidate is an ONNX file and the towers that it holds.
type candidate struct {
	name   string // relative to the directory
	suffix string
	towers []Tower
	err    error // why it is no tower
}

// Find finds the towers in a model directory: in .onnx files in it or one folder
// below, as in onnx/vision_model.onnx and onnx/text_model.onnx, in onnx/model.onnx
// for both, or in visual/model.onnx and textual/model.onnx. A file's inputs and
// outputs show what it is. The suffix chooses among precisions; "" takes fp32, or
// else the first of Suffixes that is complete. Files are only looked at: Tower.Open
// checks them. The error is *LayoutError when the directory can be read.
func Find(dir, suffix string) (Pair, error) {
	if !slices.Contains(Suffixes, suffix) {
		return Pair{}, fmt.Errorf("there is no suffix %q of ONNX files; there are %q", suffix, Suffixes)
	}
	candidates, err := candidatesIn(dir)
	if err != nil {
		return Pair{}, err
	}
	var pairs []Pair
	var missing error
	for _, each := range Suffixes {
		pair, err := pairOf(candidates, each)
		if err == nil {
			pairs = append(pairs, pair)
		}
		if each == suffix {
			missing = err
		}
	}
	pair, found := choose(pairs, suffix)
	if !found || missing != nil && !errors.Is(missing, errIncomplete) {
		return Pair{}, layoutError(dir, missing, candidates)
	}
	return pair, nil
}

// choose takes the pair of the suffix, or the first when "" leaves it open.
func choose(pairs []Pair, suffix string) (Pair, bool) {
	at := slices.IndexFunc(pairs, func(pair Pair) bool { return pair.Suffix == suffix })
	if at < 0 && suffix == "" && len(pairs) > 0 {
		at = 0
	}
	if at < 0 {
		return Pair{}, false
	}
	chosen := pairs[at]
	for _, other := range slices.Delete(pairs, at, at+1) {
		chosen.Others = append(chosen.Others, other.Suffix)
	}
	return chosen, true
}

func layoutError(dir string, problem error, candidates []candidate) error {
	out := &LayoutError{Dir: dir, Problem: problem.Error()}
	for _, c := range candidates {
		out.Found = append(out.Found, c.String())
		if c.err != nil {
			out.causes = append(out.causes, c.err)
		}
	}
	return out
}

func (c candidate) String() string {
	var problem *FileError
	if errors.As(c.err, &problem) {
		return fmt.Sprintf("%s, which %v", c.name, problem.Err)
	}
	if c.err != nil {
		return fmt.Sprintf("%s, which %v", c.name, c.err)
	}
	roles := make([]string, len(c.towers))
	for i, tower := range c.towers {
		roles[i] = string(tower.Role)
	}
	return fmt.Sprintf("%s (%s)", c.name, strings.Join(roles, " and "))
}

// candidatesIn looks at the .onnx files in a directory and in the folders in
// it, sorted by name.
func candidatesIn(dir string) ([]candidate, error) {
	names, err := modelsIn(dir, ".")
	if err != nil {
		return nil, err
	}
	entries, err := ordinary.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		inside, err := modelsIn(dir, entry.Name())
		if err != nil {
			return nil, err
		}
		names = append(names, inside...)
	}
	if len(names) > maxCandidates {
		return nil, fmt.Errorf("%s holds %d ONNX files, more than %d: point to the folder of one model", dir, len(names), maxCandidates)
	}
	slices.Sort(names)
	candidates := make([]candidate, len(names))
	for i, name := range names {
		candidates[i] = lookAt(dir, name)
	}
	return candidates, nil
}

func modelsIn(dir, folder string) ([]string, error) {
	entries, err := ordinary.ReadDir(filepath.Join(dir, folder))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), ".onnx") {
			names = append(names, filepath.Join(folder, entry.Name()))
		}
	}
	return names, nil
}

func lookAt(dir, name string) candidate {
	path := filepath.Join(dir, name)
	c := candidate{name: filepath.ToSlash(name), suffix: suffixOf(name)}
	inputs, outputs, err := scanPorts(path)
	if err != nil {
		c.err = &FileError{Path: path, Err: err}
		return c
	}
	c.towers, c.err = recognise(path, inputs, outputs)
	return c
}

// suffixOf returns the suffix of a file's name, "" when it has none.
func suffixOf(name string) string {
	stem := strings.TrimSuffix(name, ".onnx")
	for _, suffix := range Suffixes[1:] {
		if strings.HasSuffix(stem, suffix) {
			return suffix
		}
	}
	return ""
}

var errIncomplete = errors.New("does not hold an image tower and a text tower")

// pairOf pairs the towers of one suffix: two files if there are two, else the
// one file that holds both.
func pairOf(candidates []candidate, suffix string) (Pair, error) {
	var images, texts, both []candidate
	var broken error
	for _, c := range candidates {
		var problem *FileError
		switch {
		case c.suffix != suffix:
		case errors.As(c.err, &problem):
			broken = fmt.Errorf("holds a file that cannot be read, %s", c.name)
		case c.err != nil:
		case len(c.towers) == 2:
			both = append(both, c)
		case c.towers[0].Role == Image:
			images = append(images, c)
		default:
			texts = append(texts, c)
		}
	}
	for _, same := range [][]candidate{images, texts, both} {
		if len(same) > 1 {
			return Pair{}, fmt.Errorf("is ambiguous, %s and %s are the same part of a model", same[0].name, same[1].name)
		}
	}
	pair := Pair{Suffix: suffix}
	switch {
	case len(images) == 1 && len(texts) == 1:
		pair.Image, pair.Text = images[0].towers[0], texts[0].towers[0]
	case len(both) == 1:
		pair.Image, pair.Text = both[0].towers[0], both[0].towers[1]
	case broken != nil:
		return Pair{}, broken
	default:
		return Pair{}, fmt.Errorf("%w with the suffix %q", errIncomplete, suffix)
	}
	return pair, checkDimensions(pair)
}

// checkDimensions demands that pictures and texts meet in one space.
func checkDimensions(pair Pair) error {
	image, text := pair.Image.Dimension, pair.Text.Dimension
	if image != 0 && text != 0 && image != text {
		return fmt.Errorf("holds towers of two models: the embeddings of %s have %d dimensions, those of %s %d", pair.Image.Path, image, pair.Text.Path, text)
	}
	return nil
}
