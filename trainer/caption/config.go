package caption

import (
	"errors"
	"fmt"
	"math"

	"polylens/encoder/siglip2"
)

// Prefix begins the names of the decoder's parameters and inputs.
const Prefix = "decoder."

// Config says what the decoder is taught, and how large it is.
type Config struct {
	Weight   float64 `json:"weight"`   // of its loss beside the sigmoid loss
	Layers   int64   `json:"layers"`   // 0 is half of the text tower's
	Parallel float64 `json:"parallel"` // share of the captions whose tokens are predicted at once
	Boxes    bool    `json:"boxes"`    // teach where things are, too
	Part     int64   `json:"part"`     // tokens of the vocabulary whose scores are in memory at once
}

// Default is what SigLIP 2 was trained with, except for the boxes, which few
// catalogues have.
func Default() Config { return Config{Weight: 1, Parallel: 0.5, Part: 8192} }

// Most layers and tokens at once: beyond those of every language model.
const (
	mostLayers = 64
	mostPart   = 1 << 24
	mostParts  = 256 // that the vocabulary is cut into, each of which is composed by itself
)

// Check reports the first thing that is wrong with the configuration.
func (c Config) Check() error {
	switch {
	case !(c.Weight > 0) || math.IsInf(c.Weight, 0):
		return fmt.Errorf("weight %v of captions: want a positive number, or no captions at all", c.Weight)
	case c.Layers < 0 || c.Layers > mostLayers:
		return fmt.Errorf("%d layers of the caption decoder: want 1 to %d, or 0 for half of the text tower's", c.Layers, mostLayers)
	case !(c.Parallel >= 0 && c.Parallel <= 1):
		return fmt.Errorf("share %v of captions predicted at once: want 0 to 1", c.Parallel)
	case c.Part < 1 || c.Part > mostPart:
		return fmt.Errorf("%d tokens of the vocabulary at once: want 1 to %d, such as %d", c.Part, mostPart, Default().Part)
	}
	return nil
}

// Tokenizer cuts a text into exactly length tokens: those of the text, the end
// of the sequence, then padding.
type Tokenizer interface {
	Encode(text string, length int) []int64
}

// Decoder is an objective of training: it learns to write captions.
type Decoder struct {
	config     Config
	tower      siglip2.Tower // the text tower's, with the decoder's number of layers
	seen       int64         // width of the tokens of a picture
	vocabulary int64
	length     int64
	words      words
	targets    targets
}

// New prepares a decoder for a model, of the shapes of its text tower.
func New(config Config, model siglip2.Config, tokenizer Tokenizer) (*Decoder, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	if model.NaFlex() {
		return nil, errors.New("the decoder reads all patches of a picture, and a model of native aspect ratio has any number of them: train without captions")
	}
	text := model.Text
	d := &Decoder{
		config: config, tower: text.Tower, seen: model.Vision.Width, vocabulary: text.Vocabulary, length: text.Length,
		words: newWords(tokenizer),
	}
	if parts := (d.vocabulary + config.Part - 1) / config.Part; parts > mostParts {
		return nil, fmt.Errorf("part %d: it cuts the vocabulary of %d tokens into %d parts, more than %d: raise it", config.Part, d.vocabulary, parts, mostParts)
	}
	d.tower.Layers = config.Layers
	if config.Layers == 0 {
		d.tower.Layers = max(1, text.Layers/2)
	}
	d.targets = newTargets(d.words)
	if need := d.targets.longest(config.Boxes) + 1; need > int(d.length) {
		return nil, fmt.Errorf("the model's texts have %d tokens, and captions need %d beside their words: train without them", d.length, need)
	}
	return d, nil
}

// sequences is the number of texts that a picture has in a step.
func (d *Decoder) sequences() int64 {
	if d.config.Boxes {
		return 3
	}
	return 1
}

// mask is the token that stands in for one to be predicted.
func (d *Decoder) mask() int64 { return d.vocabulary }
