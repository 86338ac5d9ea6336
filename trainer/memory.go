package trainer

import (
	"fmt"

	"polylens/encoder/siglip2"
	"polylens/internal/memory"
	"polylens/trainer/learner"
)

// float is the size of a value in bytes.
const float = 4

// CheckMemory refuses a configuration whose steps take more memory than there is,
// however little a step may get by with: whoever begins it loses the whole process.
// most is false where nobody knows how much there is, as memory.Total and
// memory.Available say.
func (c Config) CheckMemory(model *Model, most int64, known bool) error {
	mode, err := learner.ParseMode(c.Mode, model.config)
	if err != nil || !known {
		return err
	}
	least := c.leastMemory(mode, model.config)
	if least <= float64(most) {
		return nil
	}
	return fmt.Errorf("a step takes at least %.1f GiB of memory, and there are %.1f: lower batch.pictures, batch.texts, batch.accumulate or what else a step looks at, or set batch.recompute",
		least/(1<<30), float64(most)/(1<<30))
}

// leastMemory is a lower bound of what a step takes: what is loaded for it, what it
// compares, and what its blocks keep for the gradients.
func (c Config) leastMemory(mode learner.Mode, model siglip2.Config) float64 {
	pictures, texts := float64(c.Batch.Pictures), float64(c.Batch.Pictures)*float64(c.Batch.Texts)
	plan := learner.Plan{
		Texts: int64(texts), Pictures: int64(pictures), Mode: mode, LoRA: c.LoRA, Recompute: c.Batch.Recompute,
		Keep: learner.Keep{Patches: c.Keep.Patches, Tokens: c.Keep.Tokens}, Alone: c.Labels.Alone,
	}
	bytes := plan.LeastMemory(model)
	if !c.Labels.Alone {
		bytes += float * texts * pictures // how well each text describes each picture
	}
	if c.Batch.AllItems && !mode.ChangesPictures(c.LoRA) {
		return bytes // means of items stand for pictures
	}
	return bytes + float*float64(c.loads())*pictures*c.loadedValues(model)
}

// loadedValues are those of one picture, with its further views. A model of native
// aspect ratio may look at fewer patches than it could.
func (c Config) loadedValues(model siglip2.Config) float64 {
	vision := model.Vision
	if model.NaFlex() {
		return float64(vision.PatchValues())
	}
	values := float64(vision.Channels) * float64(vision.Image) * float64(vision.Image)
	if c.Distill.On() {
		values += values + c.Distill.LocalValues(model)
	}
	return values
}

// checkMemory does so before anything of a run is computed.
func (r *run) checkMemory() error {
	most, known := memory.Available()
	return r.config.CheckMemory(r.Model, most, known)
}
