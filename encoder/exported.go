package encoder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"polylens/encoder/hub"
	"polylens/encoder/onnxfile"
	"polylens/encoder/ort"
	"polylens/encoder/preprocess"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
	"polylens/internal/ordinary"
)

// openExport reads a model whose towers are ONNX files: an export of the hub, or
// Immich's. What the graphs leave open comes from config.json and the processor.
func (e *Encoder) openExport(ctx context.Context, dir string, environment *ort.Environment, options Options) (err error) {
	pair, err := findExport(dir, e.precision, options.Suffix)
	if err != nil {
		return err
	}
	if err := e.openExportFiles(dir, pair); err != nil {
		return err
	}
	settings, err := e.sessionOptions(ctx, environment, options)
	if err != nil {
		return err
	}
	// Models fetched by Polylens may share files with the Hugging Face cache.
	opening := opening{environment, settings, onnxfile.Options{AllowHardLinks: hub.MayHoldLinks(dir)}, int64(e.dimension)}
	if e.text, err = opening.text(pair.Text); err != nil {
		return err
	}
	if e.vision, err = opening.vision(pair.Image, e.pixels); err != nil {
		return err
	}
	e.base, err = hub.FingerprintExport(dir, pair.Suffix)
	e.pictures = e.base
	return err
}

// suffixes of the files of a precision, the best first.
var suffixes = map[string][]string{FP32: {""}, FP16: {"_fp16"}, INT8: {"_int8", "_quantized", "_uint8"}}

// findExport takes the files of the suffix, or those of the precision.
func findExport(dir, precision, suffix string) (pair onnxfile.Pair, err error) {
	if suffix != "" {
		return onnxfile.Find(dir, suffix)
	}
	for _, suffix := range suffixes[precision] {
		if pair, err = onnxfile.Find(dir, suffix); err == nil {
			return pair, nil
		}
	}
	return pair, fmt.Errorf("%s of an ONNX export takes its files with the suffix %s: %w", precision, strings.Join(suffixes[precision], ", "), err)
}

// immichProcessor says how a model in Immich's layout wants its pictures; it wants
// its texts cleaned as open_clip does.
const immichProcessor = "visual/preprocess_cfg.json"

func (e *Encoder) openExportFiles(dir string, pair onnxfile.Pair) (err error) {
	content, err := ordinary.Read(filepath.Join(dir, filepath.FromSlash(immichProcessor)), maxProcessor)
	switch {
	case err == nil:
		e.tokens, err = tokenizer.OpenWith(filepath.Join(dir, "textual"), tokenizer.Options{Cleaning: tokenizer.CleaningOpenCLIP})
		if err == nil {
			e.pixels, err = preprocess.ParseOpenCLIP(content)
		}
	case errors.Is(err, fs.ErrNotExist):
		if e.tokens, err = tokenizer.Open(dir); err == nil {
			e.pixels, err = preprocess.Open(dir)
		}
		if config, configErr := siglip2.ReadConfig(dir); configErr == nil { // Immich's config.json is another
			e.config = &config
		}
	}
	if err != nil {
		return err
	}
	e.native = e.pixels
	return e.measureExport(dir, pair)
}

// measureExport finds the length of texts and the dimension, and checks that
// towers and preprocessing fit.
func (e *Encoder) measureExport(dir string, pair onnxfile.Pair) error {
	config, configErr := siglip2.ReadConfig(dir)
	e.length, e.dimension = int(pair.Text.Length), int(max(pair.Image.Dimension, pair.Text.Dimension))
	if configErr == nil && e.length == 0 {
		e.length = int(config.Text.Length)
	}
	if configErr == nil && e.dimension == 0 {
		e.dimension = config.Dimension()
	}
	height, width := e.pixels.Size()
	side := int(pair.Image.ImageSize)
	switch {
	case e.length == 0 || e.dimension == 0:
		return fmt.Errorf("neither the ONNX files nor config.json give the length of texts and the dimension of vectors: %w", configErr)
	case pair.Image.NaFlex() != e.pixels.Variable():
		return errors.New("the ONNX files and preprocessor_config.json disagree on whether this is a NaFlex model")
	case height != width || side != 0 && side != height:
		return fmt.Errorf("pictures are resized to %dx%d pixels, but %s takes %d: the files belong to different models", height, width, pair.Image.Path, side)
	}
	return nil
}

// opening is how the files of an export are opened.
type opening struct {
	environment *ort.Environment
	settings    ort.Options
	files       onnxfile.Options
	dimension   int64 // of embeddings
}

// tower checks the file of a tower. Inputs of its session are in the file's order.
func (o opening) tower(tower onnxfile.Tower) (*exportedTower, error) {
	file, err := tower.Open(o.files)
	if err != nil {
		return nil, err
	}
	model := ort.Model{Graph: file.Bytes, Folder: file.Dir, Outputs: o.outputs(&tower)}
	for _, port := range file.Inputs {
		model.Inputs = append(model.Inputs, exportPort(port))
	}
	s := &session{environment: o.environment, model: model, options: o.settings}
	return &exportedTower{session: s, tower: tower}, nil
}

// outputs are the embedding and, if there is one, the last hidden state, which
// is left out where it cannot be received: in 16 bits its shape must be known.
func (o opening) outputs(tower *onnxfile.Tower) []ort.Port {
	embedding := exportPort(tower.Embedding)
	embedding.Shape = []int64{-1, o.dimension}
	if tower.Hidden == nil {
		return []ort.Port{embedding}
	}
	hidden := exportPort(*tower.Hidden)
	if len(hidden.Shape) != 3 || slices.Min(hidden.Shape[1:]) < 0 {
		hidden.Shape = nil
	}
	if hidden.Shape == nil && hidden.Type == ort.Float16 {
		tower.Hidden = nil
		return []ort.Port{embedding}
	}
	return []ort.Port{embedding, hidden}
}

func exportPort(port onnxfile.Port) ort.Port {
	shape := make([]int64, len(port.Shape))
	for i, dim := range port.Shape {
		shape[i] = max(dim.Size, -1)
	}
	return ort.Port{Name: port.Name, Shape: shape, Type: ort.ElementType(port.DType)}
}
