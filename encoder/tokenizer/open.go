package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"polylens/internal/ordinary"
)

// Options choose what the files of a model do not say.
type Options struct {
	// Cleaning overrides what the reference of the directory does to a text:
	// CleaningOpenCLIP for a model whose reference is open_clip.
	Cleaning Cleaning
}

// The files that may hold a tokenizer.
const (
	jsonFile    = "tokenizer.json"  // of Hugging Face tokenizers
	unigramFile = "spiece.model"    // of sentencepiece, SigLIP 1
	bpeFile     = "tokenizer.model" // of sentencepiece, SigLIP 2 (Gemma)
	configFile  = "tokenizer_config.json"
)

// Open reads the tokenizer of a model directory as its reference
// implementation does.
func Open(modelDir string) (*Tokenizer, error) { return OpenWith(modelDir, Options{}) }

// OpenWith reads the tokenizer of a model directory: tokenizer.json if it is
// there, else spiece.model or tokenizer.model. Where tokenizer_config.json names
// SiglipTokenizer, spiece.model comes first, because that class reads nothing
// else and its ids differ from those of a converted tokenizer.json. The error
// names the file and the remedy.
func OpenWith(modelDir string, o Options) (*Tokenizer, error) {
	if err := o.Cleaning.check(); err != nil {
		return nil, err
	}
	for _, name := range candidates(modelDir) {
		path := filepath.Join(modelDir, name)
		data, err := ordinary.Read(path, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the tokenizer of the model: %w", err)
		}
		t, err := parseFile(name, data, o)
		if err != nil {
			return nil, fmt.Errorf("tokenizer %s: %w", path, err)
		}
		t.file = path
		return t, nil
	}
	return nil, fmt.Errorf("%s has no tokenizer: copy %s, %s (SigLIP 1) or %s (SigLIP 2) of the model there",
		modelDir, jsonFile, unigramFile, bpeFile)
}

func candidates(modelDir string) []string {
	if isSiglipTokenizer(modelDir) {
		return []string{unigramFile, jsonFile, bpeFile}
	}
	return []string{jsonFile, unigramFile, bpeFile}
}

// isSiglipTokenizer reports whether the configuration names SiglipTokenizer. A
// file that is missing or not readable names nothing.
func isSiglipTokenizer(modelDir string) bool {
	var config struct {
		Class string `json:"tokenizer_class"`
	}
	data, err := ordinary.Read(filepath.Join(modelDir, configFile), maxFile)
	if err != nil || json.Unmarshal(data, &config) != nil {
		return false
	}
	return strings.TrimSuffix(config.Class, "Fast") == "SiglipTokenizer"
}

func parseFile(name string, data []byte, o Options) (*Tokenizer, error) {
	if name == jsonFile {
		return Parse(data, o)
	}
	return ParseSentencePiece(data, o)
}
