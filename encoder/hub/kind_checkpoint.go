package hub

import (
	"slices"

	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// gemmaVocabulary is the number of pieces of the multilingual tokenizer that
// the SigLIP 2 checkpoints share.
const gemmaVocabulary = 256000

func describeCheckpoint(dir string, info *Info) error {
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		return err
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		return err
	}
	describeConfig(config, info)
	info.Parameters = index.Elements()
	return checkTowers(config, index)
}

// checkTowers fails if tensors that the configuration asks for are missing or of
// another shape. Their values are not read.
func checkTowers(config siglip2.Config, index *safetensors.Index) error {
	if _, err := siglip2.BuildText(config, siglip2.Stored(index), siglip2.Options{}); err != nil {
		return err
	}
	_, err := siglip2.BuildVision(config, siglip2.Stored(index), siglip2.Options{})
	return err
}

func describeConfig(config siglip2.Config, info *Info) {
	info.Kind, info.Dimension, info.ImageSize = KindSiglip, config.Dimension(), int(config.Vision.Image)
	if config.NaFlex() {
		info.Kind, info.Patches = KindNaFlex, int(config.Vision.Patches())
	}
	if config.Text.Vocabulary == gemmaVocabulary {
		info.Languages = []string{"multilingual"}
	}
}

// Files beside config and weights that decide what a checkpoint computes. Those
// that a model lacks are skipped.
var companions = []string{
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "preprocessor_config.json", "processor_config.json", "spiece.model",
}

// pieces are the SentencePiece files that tokenizer.json was made from. They
// count where it is missing.
var pieces = []string{"tokenizer.model"}

func checkpointFiles(dir string) ([]string, error) {
	index, err := safetensors.Open(dir)
	if err != nil {
		return nil, err
	}
	names := append([]string{siglip2.ConfigFile}, index.Files...)
	if !slices.Contains(index.Files, safetensors.SingleFile) {
		names = append(names, safetensors.IndexFile)
	}
	return append(names, companionsIn(dir)...), nil
}

func companionsIn(dir string) []string {
	names := present(dir, companions)
	if !has(dir, companions[0]) {
		names = append(names, present(dir, pieces)...)
	}
	return names
}

// present are those of the names that a directory has.
func present(dir string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !has(dir, name) })
}
