package fresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
	"polylens/trainer/checkpoint"

	"polylens/internal/ordinary"
)

// Options say how weights begin.
type Options struct {
	Seed uint64
	// Short suits a training of hours rather than weeks: blocks begin close to the
	// identity, and patches know their places.
	Short bool
}

// tokenizerFiles are what a tokenizer in the official layout may consist of.
var tokenizerFiles = []string{
	tokenizerFile, tokenizerConfigFile, "special_tokens_map.json", "tokenizer.model", "spiece.model", "added_tokens.json",
}

// Write writes a model directory of fixed resolution whose weights are random:
// equal options give equal bytes. config is the content of a config.json;
// tokens is a directory whose tokenizer the model takes. dir must not exist.
func Write(ctx context.Context, dir string, config []byte, tokens string, options Options) error {
	architecture, err := siglip2.ParseConfig(config)
	if err != nil {
		return err
	}
	if architecture.NaFlex() {
		return errors.New("config.json describes a model of native aspect ratio (siglip2), which cannot be trained yet: set model_type to siglip")
	}
	if err := checkVocabulary(tokens, architecture.Text.Vocabulary); err != nil {
		return err
	}
	files, err := existing(tokens, tokenizerFiles)
	if err != nil {
		return err
	}
	tensors, err := weights(architecture, options)
	if err != nil {
		return err
	}
	return checkpoint.WriteModel(ctx, dir, checkpoint.Model{
		Changed: tensors, Copy: files,
		Files: map[string][]byte{siglip2.ConfigFile: config, preprocessorFile: preprocessor(architecture.Vision)},
	})
}

// checkVocabulary compares the number of tokens with that of their embeddings.
func checkVocabulary(dir string, rows int64) error {
	t, err := tokenizer.Open(dir)
	if err != nil {
		return err
	}
	if int64(t.Size()) > rows {
		return fmt.Errorf("the tokenizer in %s has %d tokens, config.json only %d: set text_config.vocab_size to %d", dir, t.Size(), rows, t.Size())
	}
	return nil
}

// existing are the paths of those files that a directory has.
func existing(dir string, names []string) ([]string, error) {
	var paths []string
	for _, name := range names {
		path := filepath.Join(dir, name)
		switch _, err := ordinary.Stat(path); {
		case err == nil:
			paths = append(paths, path)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return paths, nil
}

const preprocessorFile = "preprocessor_config.json"

// preprocessor is what preprocessor_config.json says of every SigLIP model of
// fixed resolution: the whole picture, resized bilinearly, from -1 to 1.
func preprocessor(vision siglip2.VisionConfig) []byte {
	half := [3]float64{0.5, 0.5, 0.5}
	content, err := json.MarshalIndent(map[string]any{
		"do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
		"image_mean": half, "image_std": half, "image_processor_type": "SiglipImageProcessor", "processor_class": "SiglipProcessor",
		"resample": 2, "rescale_factor": 1.0 / 255, "size": map[string]any{"height": vision.Image, "width": vision.Image},
	}, "", "  ")
	if err != nil {
		panic(err) // numbers and texts
	}
	return append(content, '\n')
}
