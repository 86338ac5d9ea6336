package trainer

import (
	"fmt"
	"maps"

	"polylens/encoder/ort"
	"polylens/trainer/caption"
	"polylens/trainer/data"
	"polylens/trainer/data/augment"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
	"polylens/trainer/learner"
)

// noCaptions is how captions are learned once a weight is set.
func noCaptions() caption.Config {
	config := caption.Default()
	config.Weight = 0
	return config
}

// captions reports whether the vision tower learns from captions that are written.
func (c Config) captions() bool { return c.Captions.Weight != 0 }

// boxes reports whether it learns where things are, too.
func (c Config) boxes() bool { return c.captions() && c.Captions.Boxes }

func (c Config) checkCaptions() error {
	if !c.captions() {
		return nil
	}
	if err := c.Captions.Check(); err != nil {
		return fmt.Errorf("captions: %w", err)
	}
	looks, err := augment.Preset(c.Batch.Augmentation)
	if err == nil && c.boxes() && moves(looks) {
		return fmt.Errorf("captions.boxes: batch.augmentation %q moves what pictures show, and boxes stay: set it to %q, or leave boxes out",
			c.Batch.Augmentation, noAugmentation)
	}
	return err
}

// moves reports whether things may lie elsewhere in a picture that was changed.
func moves(o augment.Options) bool {
	none := augment.Range{}
	return o.CropScale != none || o.CropAspect != none || o.Scale != none ||
		o.Flip+o.Shift+o.Rotation+o.Stretch+o.Shear > 0
}

// openDecoder prepares to learn from captions, if that is to be.
func (r *run) openDecoder() error {
	if !r.config.captions() {
		return nil
	}
	mode, err := learner.ParseMode(r.config.Mode, r.Model.config)
	if err != nil {
		return err
	}
	if !mode.ChangesPictures(r.config.LoRA) {
		return fmt.Errorf("captions.weight %v: mode %q leaves the vision tower as it is, which is what captions teach: train it, or set the weight to 0",
			r.config.Captions.Weight, r.config.Mode)
	}
	if err := r.checkBoxes(); err != nil {
		return fmt.Errorf("captions.boxes: %w", err)
	}
	if r.decoder, err = caption.New(r.config.Captions, r.Model.config, r.Model.tokens); err != nil {
		return fmt.Errorf("captions: %w", err)
	}
	return nil
}

// checkBoxes finds the box that cannot be read before a step does.
func (r *run) checkBoxes() error {
	if !r.config.boxes() {
		return nil
	}
	found := false
	for _, pair := range r.Material.Set.Pairs {
		if r.Material.Parts[pair.Picture] != inspect.Training {
			continue
		}
		example, err := r.example(pair)
		if err != nil {
			return err
		}
		found = found || example.Box != nil
	}
	if !found {
		return fmt.Errorf("no picture that is trained on has a field %q: fill it in, check that its source is read with it, or leave boxes out", caption.BoxAttribute)
	}
	return nil
}

// example is what the decoder learns of a pair.
func (r *run) example(pair data.Pair) (caption.Example, error) {
	if !r.config.boxes() {
		return caption.Example{Text: pair.Text}, nil
	}
	example, err := caption.NewExample(pair.Text, pair.Attributes)
	if err != nil {
		return caption.Example{}, fmt.Errorf("%s: %w", pair.Place, err)
	}
	return example, nil
}

// objectives are those of all steps, beside the sigmoid loss.
func (r *run) objectives() []learner.Objective {
	var list []learner.Objective
	if r.decoder != nil {
		list = append(list, r.decoder)
	}
	if r.labels != nil {
		list = append(list, r.labels)
	}
	if names := r.config.names(); names.Weight > 0 {
		list = append(list, names)
	}
	return list
}

// addCaptions gives a batch the first text of each picture to write.
func (r *run) addCaptions(made *learner.Batch, loaded batch.Loaded) error {
	if r.decoder == nil {
		return nil
	}
	var examples []caption.Example
	for _, pair := range firstPairs(loaded) {
		example, err := r.example(r.Material.Set.Pairs[pair])
		if err != nil {
			return err
		}
		examples = append(examples, example)
	}
	inputs, err := r.decoder.Inputs(examples, r.config.Seed, uint64(loaded.Step))
	if err != nil {
		return fmt.Errorf("captions: %w", err)
	}
	addInputs(made, inputs)
	return nil
}

// addInputs gives a batch what an objective takes.
func addInputs(made *learner.Batch, inputs map[string]ort.Tensor) {
	if made.Extra == nil {
		made.Extra = map[string]ort.Tensor{}
	}
	maps.Copy(made.Extra, inputs)
}
