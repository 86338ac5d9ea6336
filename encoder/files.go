package encoder

import (
	"context"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
)

// openFiles reads everything in a model directory but the weights.
func (e *Encoder) openFiles(_ context.Context, dir string, environment *ort.Environment, options Options) error {
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		return err
	}
	if e.tokens, err = tokenizer.Open(dir); err != nil {
		return err
	}
	if e.pixels, err = preprocess.Open(dir); err != nil {
		return err
	}
	e.native = e.pixels
	if err := agree(config, e.pixels); err != nil {
		return err
	}
	e.length, e.dimension = int(config.Text.Length), config.Dimension()
	if err := e.compose(dir, config, environment, options); err != nil {
		return err
	}
	e.base, err = hub.Fingerprint(dir)
	return err
}

// agree demands that preprocessing and architecture are of the same model.
func agree(config siglip2.Config, pixels *preprocess.Processor) error {
	height, width := pixels.Size()
	side := int(config.Vision.Image)
	switch {
	case pixels.Variable() != config.NaFlex():
		return errors.New("preprocessor_config.json and config.json disagree on whether this is a NaFlex model: the files belong to different models")
	case pixels.Variable() && pixels.PatchSize() != int(config.Vision.Patch):
		return fmt.Errorf("preprocessor_config.json cuts patches of %d pixels, but config.json has patch_size %d: the files belong to different models",
			pixels.PatchSize(), config.Vision.Patch)
	case height != side || width != side:
		return fmt.Errorf("preprocessor_config.json resizes to %dx%d pixels, but config.json has image_size %d: the files belong to different models",
			height, width, side)
	}
	return nil
}

// compose builds both towers on the weights of a checkpoint.
func (e *Encoder) compose(dir string, config siglip2.Config, environment *ort.Environment, options Options) error {
	index, err := safetensors.Open(dir)
	if err != nil {
		return err
	}
	text, err := siglip2.BuildText(config, siglip2.Stored(index), siglip2.Options{})
	if err != nil {
		return err
	}
	vision, err := siglip2.BuildVision(config, siglip2.Stored(index), siglip2.Options{Outputs: []string{siglip2.LastHiddenState}})
	if err != nil {
		return err
	}
	open := func(model ort.Model) *session {
		return &session{environment: environment, model: model, options: ort.Options{Threads: options.Threads}}
	}
	e.text = &composedText{session: open(graphModel(text, index.Dir)), vocabulary: config.Text.Vocabulary}
	e.vision, err = composeVision(open(graphModel(vision, index.Dir)), config)
	return err
}

func composeVision(s *session, config siglip2.Config) (visionTower, error) {
	if !config.NaFlex() {
		return &composedVision{session: s, config: config.Vision}, nil
	}
	positions, err := lru.New[[2]int, []float32](positionCache)
	return &composedNaFlex{session: s, config: config.Vision, positions: positions}, err
}
