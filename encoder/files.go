package encoder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"polylens/encoder/adapter"
	"polylens/encoder/derived"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
	"polylens/internal/ordinary"
)

// openFiles reads everything in a model directory but the weights.
func (e *Encoder) openFiles(ctx context.Context, dir string, environment *ort.Environment, options Options) error {
	if hub.IsExport(dir) {
		return e.openExport(ctx, dir, environment, options)
	}
	merged, base, err := openAdapter(dir, options)
	if err != nil {
		return err
	}
	if e.base, err = fingerprint(base, dir, merged != nil); err != nil {
		return err
	}
	return e.openCheckpoint(ctx, base, merged, environment, options)
}

// openCheckpoint reads a model in the Hugging Face layout with its weights in
// safetensors.
func (e *Encoder) openCheckpoint(ctx context.Context, dir string, merged *adapter.Adapter, environment *ort.Environment, options Options) error {
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
	e.native, e.config = e.pixels, &config
	if err := agree(config, e.pixels); err != nil {
		return err
	}
	e.length, e.dimension = int(config.Text.Length), config.Dimension()
	weights, err := e.weights(ctx, dir, merged, options)
	if err != nil {
		return err
	}
	return e.compose(ctx, weights, config, environment, options)
}

// openAdapter reports whether a directory holds a PEFT adapter instead of a model,
// and where its base is.
func openAdapter(dir string, options Options) (merged *adapter.Adapter, base string, err error) {
	if _, err := ordinary.Stat(filepath.Join(dir, adapter.ConfigFile)); err != nil {
		return nil, dir, nil
	}
	if merged, err = adapter.Open(dir); err != nil {
		return nil, "", err
	}
	if _, err := ordinary.Stat(filepath.Join(dir, siglip2.ConfigFile)); err == nil {
		return merged, dir, nil // beside its base
	}
	name, _ := merged.Base()
	if options.FindModel == nil {
		return merged, name, nil
	}
	if base, err = options.FindModel(name); err != nil {
		return nil, "", fmt.Errorf("the base of the adapter: %w", err)
	}
	return merged, base, nil
}

// Base is the directory of the model that the adapter in a directory changes, or
// the directory itself where it holds a model. findModel is Options.FindModel.
func Base(dir string, findModel func(name string) (string, error)) (string, error) {
	_, base, err := openAdapter(dir, Options{FindModel: findModel})
	return base, err
}

// fingerprint covers the files of the model and of the adapter.
func fingerprint(base, dir string, adapted bool) (string, error) {
	print, err := hub.Fingerprint(base)
	if err != nil || !adapted {
		return print, err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "polylens adapter 1\n%s\n", print)
	for _, name := range []string{adapter.ConfigFile, adapter.WeightsFile} {
		digest, err := digestOf(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %x\n", name, digest)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func digestOf(path string) ([]byte, error) {
	file, err := ordinary.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return sum.Sum(nil), err
}

// weights are those of the checkpoint, or what is derived from them once.
func (e *Encoder) weights(ctx context.Context, dir string, merged *adapter.Adapter, options Options) (*safetensors.Index, error) {
	index, err := safetensors.Open(dir)
	if err != nil {
		return nil, err
	}
	if merged != nil {
		if err := merged.Check(index); err != nil {
			return nil, err
		}
	}
	cache, err := cacheFolder(options.Cache)
	if err != nil {
		return nil, err
	}
	if e.pictures, err = e.pictureSide(dir, index, merged, cache); err != nil {
		return nil, err
	}
	recipe := derived.Recipe{Source: index, Fingerprint: e.base, Adapter: merged, Precision: derived.Precision(e.precision)}
	if recipe.Needed() {
		log(options.Logger).Info("preparing the weights, once", "dir", dir, "precision", e.precision, "cache", cache)
	}
	return derived.Make(ctx, recipe, cache)
}

func cacheFolder(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(folder, "polylens"), nil
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

// compose builds both towers on the weights.
func (e *Encoder) compose(ctx context.Context, index *safetensors.Index, config siglip2.Config, environment *ort.Environment, options Options) error {
	settings, err := e.sessionOptions(ctx, environment, options)
	if err != nil {
		return err
	}
	if settings, err = e.tuned(ctx, index, config, environment, settings); err != nil {
		return err
	}
	// Fused operators are ONNX Runtime's own, for processors and CUDA.
	portable := settings.Device != ort.CPU && !strings.HasPrefix(settings.Device, ort.CUDA)
	text, err := siglip2.BuildText(config, siglip2.Stored(index), siglip2.Options{Portable: portable})
	if err != nil {
		return err
	}
	vision, err := siglip2.BuildVision(config, siglip2.Stored(index), siglip2.Options{
		Portable: portable, Outputs: []string{siglip2.LastHiddenState},
	})
	if err != nil {
		return err
	}
	open := func(model ort.Model, settings ort.Options) *session {
		return &session{environment: environment, model: model, options: settings}
	}
	e.text = &composedText{session: open(graphModel(text, index.Dir), settings), vocabulary: config.Text.Vocabulary}
	pictures := graphModel(vision, index.Dir)
	e.vision, err = composeVision(open(pictures, settings), config)
	if err != nil || !spread(index, settings) {
		return err
	}
	single, err := composeVision(open(pictures, alone(settings)), config)
	e.vision = &spreadVision{visionTower: e.vision, single: single, threads: threadsOf(settings)}
	return err
}

func composeVision(s *session, config siglip2.Config) (visionTower, error) {
	if !config.NaFlex() {
		return &composedVision{session: s, config: config.Vision}, nil
	}
	positions, err := lru.New[[2]int, []float32](positionCache)
	return &composedNaFlex{session: s, config: config.Vision, positions: positions}, err
}
