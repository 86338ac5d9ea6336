package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"polylens/trainer/caption"
	"polylens/trainer/data/augment"
	"polylens/trainer/data/inspect"
	"polylens/trainer/distill"
	"polylens/trainer/label"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// Config is everything that decides what a run makes of a model and pairs: equal
// configurations end in equal weights.
type Config struct {
	Mode       string       `json:"mode"` // what is trained, see learner.ParseMode
	LoRA       learner.LoRA `json:"lora"` // in mode "lora"
	Steps      int64        `json:"steps"`
	Seed       uint64       `json:"seed"`
	Batch      Batch        `json:"batch"`
	Optimizer  Optimizer    `json:"optimizer"`
	Split      Split        `json:"split"`
	Validation Validation   `json:"validation"`
	Guard      Guard        `json:"guard"`
	Cache      Cache        `json:"cache"`
	Selection  Selection    `json:"selection"`
	Balance    Balance      `json:"balance"`
	Checkpoint Checkpoint   `json:"checkpoint"`
	Average    float64      `json:"average"` // share of the weights before training in the result: forgets less

	Captions caption.Config `json:"captions"` // the loss of writing captions, unless weight is 0
	Distill  distill.Config `json:"distill"`  // the losses of the last steps, unless factor is 0

	Keep       Keep         `json:"keep"`
	Vocabulary Vocabulary   `json:"vocabulary"`
	Labels     label.Config `json:"labels"` // the losses over labels, unless items and texts are 0
}

// Batch says what a step looks at.
type Batch struct {
	Pictures            int     `json:"pictures"`             // of a part that is computed at once
	Accumulate          int     `json:"accumulate"`           // parts whose gradients are added up for a step
	AcrossParts         bool    `json:"across_parts"`         // compare texts with the pictures of all parts, not of their own alone: a forward pass more
	Texts               int     `json:"texts"`                // of each picture
	SharedItems         bool    `json:"shared_items"`         // let pictures of one item meet in a batch, as positives of one another
	LanguageTemperature float64 `json:"language_temperature"` // 1 draws all texts alike, a higher value levels languages out
	AllItems            bool    `json:"all_items"`            // compare texts with the mean vectors of all items, in modes that leave pictures as they are; pictures with texts of all items, in modes that leave texts as they are
	Augmentation        string  `json:"augmentation"`         // a preset of package augment
	Patches             []int   `json:"patches,omitempty"`    // most patches of a picture, one of them drawn for each step; for models of native aspect ratio; none: the model's own number
	Recompute           bool    `json:"recompute"`            // less memory, a third more work
}

// Optimizer says how weights are updated.
type Optimizer struct {
	LearningRate float64            `json:"learning_rate"` // at its peak
	Rates        map[string]float64 `json:"rates"`         // factors of it: of "text", "vision", "loss" and "new" parameters, and of the "vocabulary", else that of "text"
	WeightDecay  float64            `json:"weight_decay"`
	Muon         bool               `json:"muon"` // for the matrices of blocks and of the pooling head, AdamW for the rest; trains from scratch in fewer steps
	Beta1        float64            `json:"beta1"`
	Beta2        float64            `json:"beta2"`
	Epsilon      float64            `json:"epsilon"`
	Clip         float64            `json:"clip"`     // largest norm of the gradients; 0 does not clip
	Schedule     string             `json:"schedule"` // "cosine" or "constant"
	Warmup       int64              `json:"warmup"`   // steps
}

// Split says what is kept from training.
type Split struct {
	Validation float64 `json:"validation"` // share of the pictures
	Test       float64 `json:"test"`
	// Near is in how many of 256 bits the looks of pictures differ that must stay
	// together; 0 is the default, -1 takes only equal files for the same.
	Near int `json:"near"`
}

// Validation says how often the model is evaluated on what was kept aside.
type Validation struct {
	Every    int64  `json:"every"`    // steps; 0 never, and the last weights are the result
	Metric   string `json:"metric"`   // "r1", "r5", "r10" or "mrr"; the best weights are the result
	Patience int64  `json:"patience"` // evaluations without improvement after which the run ends; 0 never
	Limit    int    `json:"limit"`    // most pictures to look at; 0 all
}

// Guard says how much the model may forget.
type Guard struct {
	Allowed   float64            `json:"allowed"`   // points of R@5 in each language
	Languages map[string]float64 `json:"languages"` // likewise, for some languages
}

// Checkpoint says what is kept of a run that is going on.
type Checkpoint struct {
	Every int64 `json:"every"` // steps
	Keep  int   `json:"keep"`  // newest ones, besides the best
}

// ParseConfig reads a configuration in JSON over a preset: fields that it does
// not name keep the preset's values. A field that does not exist is an error.
func ParseConfig(content []byte, preset string) (Config, error) {
	config, err := Preset(preset)
	if err != nil {
		return Config{}, err
	}
	if err := decodeOver(&config, content); err != nil {
		return Config{}, fmt.Errorf("the configuration of the run: %w", err)
	}
	return config, config.Check()
}

// decodeOver reads at most one JSON object.
func decodeOver(config *Config, content []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		if errors.Is(err, io.EOF) { // there is nothing
			return nil
		}
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func (c Config) schedule() optim.Schedule {
	return optim.Schedule{Kind: c.Optimizer.Schedule, Warmup: c.Optimizer.Warmup, Steps: c.Steps}
}

func (c Config) settings() optim.Settings {
	o := c.Optimizer
	return optim.Settings{Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, Clip: o.Clip}
}

func (c Config) shares() inspect.Shares {
	return inspect.Shares{Validation: c.Split.Validation, Test: c.Split.Test}
}

// noAugmentation leaves pictures as they are.
const noAugmentation = "none"

// augmenter changes pictures as the preset says, for a model that sees so many
// pixels a side.
func (c Config) augmenter(side int) (*augment.Augmenter, error) {
	options, err := augment.Preset(c.Batch.Augmentation)
	if err != nil {
		return nil, err
	}
	options.Size = side
	return augment.New(options, c.Seed)
}

// fingerprint names the configuration: a checkpoint goes on with it alone.
func (c Config) fingerprint() string {
	content, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers, texts and maps of them
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}
