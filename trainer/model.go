package trainer

import (
	"fmt"

	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
	"polylens/trainer/learner"
)

// Model is a model directory to start from: a checkpoint in the official
// layout.
type Model struct {
	Dir         string
	Fingerprint string

	config  siglip2.Config
	weights *safetensors.Index
	tokens  *tokenizer.Tokenizer
	pixels  *preprocess.Processor
}

// OpenModel reads everything of a model but its weights.
func OpenModel(dir, fingerprint string) (*Model, error) {
	m := &Model{Dir: dir, Fingerprint: fingerprint}
	var err error
	if m.config, err = siglip2.ReadConfig(dir); err != nil {
		return nil, err
	}
	if m.weights, err = safetensors.Open(dir); err != nil {
		return nil, err
	}
	if m.tokens, err = tokenizer.Open(dir); err != nil {
		return nil, err
	}
	if m.pixels, err = preprocess.Open(dir); err == nil && m.pixels.Variable() != m.config.NaFlex() {
		err = fmt.Errorf("preprocessor_config.json and config.json of %s disagree on whether it is of native aspect ratio: the files belong to different models", dir)
	}
	return m, err
}

// length is the number of tokens that the model takes.
func (m *Model) length() int { return int(m.config.Text.Length) }

// tokensOf are the tokens of texts, [n, L].
func (m *Model) tokensOf(texts []string) ort.Tensor {
	return ort.Ints(m.ids(texts), int64(len(texts)), int64(m.length()))
}

// longest is how many tokens the longest of some texts has.
func (m *Model) longest(texts []string) int {
	return int(learner.Longest(m.ids(texts), int64(m.length())))
}

// pixelsOf makes [n, C, R, R] of the values of pictures.
func (m *Model) pixelsOf(values []float32) ort.Tensor {
	side, channels := int64(m.config.Vision.Image), m.config.Vision.Channels
	return ort.Floats(values, int64(len(values))/(channels*side*side), channels, side, side)
}

// ids are the tokens of texts, one after the other.
func (m *Model) ids(texts []string) []int64 {
	ids := make([]int64, 0, len(texts)*m.length())
	for _, text := range texts {
		ids = append(ids, m.tokens.Encode(text, m.length())...)
	}
	return ids
}
