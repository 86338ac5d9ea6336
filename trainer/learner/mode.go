package learner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"polylens/encoder/siglip2"
)

// First blocks of a tower that stand for all or nothing of it.
const (
	everything = 0             // the embeddings and every block
	headOnly   = 1<<31 - 1     // the last linear layer
	nothing    = 1 << 31       // the tower stays as it is
	modeLast   = "last-"       // followed by a number of blocks
	modeFull   = "full"        // both towers
	modeText   = "text-only"   // the text tower: vectors of pictures stay valid
	modeVision = "vision-only" // the vision tower
	modeQuery  = "query"       // the text tower's last layer: an adapter of queries
	modeLoRA   = "lora"        // adapters beside linear layers
)

// Mode says which part of a model is trained. The zero value trains everything.
type Mode struct {
	name         string
	text, vision int64 // the first trained block of each tower
	adapters     bool
}

// CheckMode returns an error unless some model can be trained by a mode of this name.
func CheckMode(name string) error {
	switch name {
	case modeFull, modeText, modeVision, modeQuery, modeLoRA:
		return nil
	}
	_, err := lastBlocks(name)
	return err
}

// ParseMode reads a mode: "full", "text-only", "vision-only", "query" (the last
// layer of the text tower), "lora" or "last-K" (the last K blocks of each tower with the norm
// and the head behind them). Temperature and bias of the loss are trained in
// all of them.
func ParseMode(name string, config siglip2.Config) (Mode, error) {
	mode := Mode{name: name, text: nothing, vision: nothing}
	switch name {
	case modeFull:
		mode.text, mode.vision = everything, everything
	case modeText:
		mode.text = everything
	case modeVision:
		mode.vision = everything
	case modeQuery:
		mode.text = headOnly
	case modeLoRA:
		mode.adapters = true
	default:
		count, err := lastBlocks(name)
		if err != nil {
			return Mode{}, err
		}
		mode.text, mode.vision = config.Text.Layers-count, config.Vision.Layers-count
		if min(mode.text, mode.vision) < 1 {
			return Mode{}, fmt.Errorf("mode %q: the towers have %d and %d blocks; use mode %q to train all of them",
				name, config.Text.Layers, config.Vision.Layers, modeFull)
		}
	}
	return mode, nil
}

func lastBlocks(name string) (int64, error) {
	digits, ok := strings.CutPrefix(name, modeLast)
	count, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || count == 0 {
		return 0, fmt.Errorf("mode %q is unknown: choose %q, %q, %q, %q, %q or %q with a number of blocks, such as last-2",
			name, modeFull, modeText, modeVision, modeQuery, modeLoRA, modeLast+"K")
	}
	return int64(count), nil
}

// String is the name of the mode.
func (m Mode) String() string { return m.name }

// ChangesPictures reports whether pictures get other vectors than before.
func (m Mode) ChangesPictures(lora LoRA) bool {
	return m.vision != nothing || m.adapters && slices.Contains(lora.Towers, "vision")
}

// ChangesTexts reports whether texts get other vectors than before.
func (m Mode) ChangesTexts(lora LoRA) bool {
	return m.text != nothing || m.adapters && slices.Contains(lora.Towers, "text")
}

// trains reports whether the mode trains the named tensor of the checkpoint.
func (m Mode) trains(name string) bool {
	if name == logitScale || name == logitBias {
		return true
	}
	first := m.vision
	if strings.HasPrefix(name, textTower) {
		first = m.text
	}
	switch first {
	case everything:
		return true
	case headOnly:
		return strings.HasPrefix(name, textTower+"head.")
	case nothing:
		return false
	default:
		return isBehind(name, first)
	}
}

// isBehind reports whether a tensor belongs to the given block or to what
// follows it.
func isBehind(name string, first int64) bool {
	_, rest, _ := strings.Cut(name, "_model.")
	layer, inBlock := strings.CutPrefix(rest, "encoder.layers.")
	if !inBlock {
		return !strings.HasPrefix(rest, "embeddings.")
	}
	number, _, _ := strings.Cut(layer, ".")
	block, err := strconv.ParseInt(number, 10, 32)
	return err == nil && block >= first
}
