package siglip2

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"polylens/internal/ordinary"
)

// ConfigFile is the name of the architecture's description in a model directory.
const ConfigFile = "config.json"

// maxConfig bounds the config file; the largest official one has a few kB.
const maxConfig = 1 << 20

// Tower is what both towers have: a stack of pre-norm transformer blocks.
type Tower struct {
	Width      int64   `json:"hidden_size"`         // D
	MLP        int64   `json:"intermediate_size"`   // width of the hidden layer of each MLP
	Layers     int64   `json:"num_hidden_layers"`   //
	Heads      int64   `json:"num_attention_heads"` // H, divides D
	Activation string  `json:"hidden_act"`          // GeluTanh or GeluExact
	Epsilon    float32 `json:"layer_norm_eps"`      //
}

// The activations that checkpoints of this architecture use.
const (
	GeluTanh  = "gelu_pytorch_tanh"
	GeluExact = "gelu"
)

// TextConfig describes the text tower.
type TextConfig struct {
	Tower
	Vocabulary int64 `json:"vocab_size"`
	Length     int64 `json:"max_position_embeddings"` // L, every text is padded to it
	Projection int64 `json:"projection_size"`         // dimension of the embedding
}

// VisionConfig describes the vision tower.
type VisionConfig struct {
	Tower
	Image     Side  `json:"image_size"` // pixels on each side; 0 for NaFlex
	Patch     Side  `json:"patch_size"` // P, pixels on each side
	Channels  int64 `json:"num_channels"`
	UseHead   bool  `json:"vision_use_head"`
	Positions int64 `json:"num_patches"` // NaFlex: size of the square table of positions; else 0
}

// Grid is the number of patches along each side, for NaFlex that of the table
// of positions. Pixels of a last incomplete patch are not looked at.
func (c VisionConfig) Grid() int64 {
	if c.Positions > 0 {
		return int64(math.Sqrt(float64(c.Positions)))
	}
	return int64(c.Image / c.Patch)
}

// Patches is N, the number of patches of a picture, for NaFlex the number of
// positions, by which its checkpoints are described.
func (c VisionConfig) Patches() int64 { return c.Grid() * c.Grid() }

// PatchValues is the number of values of one patch, 3 P P.
func (c VisionConfig) PatchValues() int64 { return c.Channels * int64(c.Patch) * int64(c.Patch) }

// Config describes a SigLIP 2 model. SigLIP 1 has the same architecture and
// the same description as SigLIP 2 of fixed resolution.
type Config struct {
	Text   TextConfig
	Vision VisionConfig
}

// NaFlex reports whether pictures keep their aspect ratio and give any number of
// patches.
func (c Config) NaFlex() bool { return c.Vision.Positions > 0 }

// Values of model_type.
const (
	TypeFixed  = "siglip"  // fixed resolution: SigLIP 1 and most of SigLIP 2
	TypeNaFlex = "siglip2" // native aspect ratio
)

// Dimension is the length of the embeddings of texts and pictures.
func (c Config) Dimension() int { return int(c.Text.Projection) }

// ReadConfig reads and checks config.json of a model directory.
func ReadConfig(dir string) (Config, error) {
	path := filepath.Join(dir, ConfigFile)
	content, err := ordinary.Read(path, maxConfig)
	if err != nil {
		return Config{}, fmt.Errorf("no model in %s: %w; point to a directory in the Hugging Face layout", dir, err)
	}
	config, err := ParseConfig(content)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// ParseConfig reads and checks a config.json. Hub files are sparse: what is
// absent takes the default that Hugging Face transformers gives it.
func ParseConfig(content []byte) (Config, error) {
	tower := Tower{Width: 768, MLP: 3072, Layers: 12, Heads: 12, Activation: GeluTanh, Epsilon: 1e-6}
	file := struct {
		ModelType string       `json:"model_type"`
		Text      TextConfig   `json:"text_config"`
		Vision    VisionConfig `json:"vision_config"`
	}{
		Text:   TextConfig{Tower: tower, Vocabulary: 32000, Length: 64},
		Vision: VisionConfig{Tower: tower, Image: 224, Patch: 16, Channels: 3, UseHead: true, Positions: 256},
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return Config{}, fmt.Errorf("is no SigLIP config: %w", err)
	}
	switch file.ModelType {
	case TypeFixed:
		file.Vision.Positions = 0
	case TypeNaFlex:
		file.Vision.Image = 0
	default:
		return Config{}, fmt.Errorf("has model_type %q; %q and %q are supported", file.ModelType, TypeFixed, TypeNaFlex)
	}
	if file.Text.Projection == 0 {
		file.Text.Projection = file.Text.Width
	}
	config := Config{Text: file.Text, Vision: file.Vision}
	return config, config.check()
}

func (c Config) check() error {
	checks := append(c.Text.check("text_config"), c.Vision.check("vision_config")...)
	checks = append(checks,
		within("text_config.vocab_size", c.Text.Vocabulary, 1, 10_000_000),
		within("text_config.max_position_embeddings", c.Text.Length, 1, 4096),
		within("text_config.projection_size", c.Text.Projection, 1, 65536),
		within("vision_config.num_channels", c.Vision.Channels, 3, 3),
	)
	checks = append(checks, c.checkPatches()...)
	if !c.Vision.UseHead {
		checks = append(checks, errors.New("vision_config.vision_use_head is false: without its pooling head the model has no picture embedding"))
	}
	if c.Text.Projection != c.Vision.Width {
		checks = append(checks, fmt.Errorf("texts have %d dimensions (text_config.projection_size), pictures %d (vision_config.hidden_size): they cannot be compared",
			c.Text.Projection, c.Vision.Width))
	}
	return errors.Join(checks...)
}

func (c Config) checkPatches() []error {
	if !c.NaFlex() {
		return []error{
			within("vision_config.image_size", int64(c.Vision.Image), 1, 4096),
			within("vision_config.patch_size", int64(c.Vision.Patch), 1, max(int64(c.Vision.Image), 1)),
		}
	}
	checks := []error{
		within("vision_config.num_patches", c.Vision.Positions, 1, 65536),
		within("vision_config.patch_size", int64(c.Vision.Patch), 1, 256),
	}
	if grid := c.Vision.Grid(); grid*grid != c.Vision.Positions {
		checks = append(checks, fmt.Errorf("vision_config.num_patches %d is no square", c.Vision.Positions))
	}
	return checks
}

func (t Tower) check(section string) []error {
	checks := []error{
		within(section+".hidden_size", t.Width, 1, 65536),
		within(section+".intermediate_size", t.MLP, 1, 262144),
		within(section+".num_hidden_layers", t.Layers, 1, 256),
		within(section+".num_attention_heads", t.Heads, 1, max(t.Width, 1)),
	}
	if t.Heads > 0 && t.Width%t.Heads != 0 {
		checks = append(checks, fmt.Errorf("%s.num_attention_heads %d does not divide hidden_size %d", section, t.Heads, t.Width))
	}
	if t.Activation != GeluTanh && t.Activation != GeluExact {
		checks = append(checks, fmt.Errorf("%s.hidden_act is %q, supported are %q and %q", section, t.Activation, GeluTanh, GeluExact))
	}
	if !(t.Epsilon > 0 && t.Epsilon < 1) {
		checks = append(checks, fmt.Errorf("%s.layer_norm_eps %v is outside 0 to 1", section, t.Epsilon))
	}
	return checks
}

func within(name string, value, low, high int64) error {
	if value < low || value > high {
		return fmt.Errorf("%s %d is outside %d to %d", name, value, low, high)
	}
	return nil
}

// Side is a length in pixels, written as a number or as two equal numbers.
type Side int64

// UnmarshalJSON accepts 224 and [224, 224].
func (s *Side) UnmarshalJSON(content []byte) error {
	var pair []int64
	if err := json.Unmarshal(content, &pair); err == nil && len(pair) == 2 {
		if pair[0] != pair[1] {
			return fmt.Errorf("sides of %d and %d pixels: only squares are supported", pair[0], pair[1])
		}
		*s = Side(pair[0])
		return nil
	}
	return json.Unmarshal(content, (*int64)(s))
}
