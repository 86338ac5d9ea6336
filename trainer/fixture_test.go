package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/indexer/decode"
	"polylens/internal/needs"
	"polylens/trainer"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
	"polylens/trainer/learner"
)

// The model of the tests: narrow towers with random weights, and the tokenizer
// of the bundled model, so that a step takes milliseconds.
const (
	smallConfig = `{"model_type": "siglip",
	"text_config": {"model_type": "siglip_text_model", "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2,
		"num_attention_heads": 3, "vocab_size": 16384, "max_position_embeddings": 16, "projection_size": 32},
	"vision_config": {"model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
		"num_attention_heads": 4, "image_size": 24, "patch_size": 8}}`
	smallPreprocessor = `{"image_processor_type": "SiglipImageProcessor", "size": {"height": 24, "width": 24}, "resample": 2,
	"do_resize": true, "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_normalize": true,
	"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}`
)

// drawings is how many pictures the fixture has, each with a text in two
// languages.
const drawings = 48

// fixture is a folder with a model and pairs.
type fixture struct{ folder string }

func (f fixture) model() string { return filepath.Join(f.folder, "model") }
func (f fixture) pairs() string { return filepath.Join(f.folder, "pairs.ndjson") }

func newFixture(t *testing.T) fixture {
	t.Helper()
	f := fixture{t.TempDir()}
	writeModel(t, f.model(), smallConfig)
	var lines strings.Builder
	for i := range drawings {
		name := fmt.Sprintf("picture-%02d.png", i)
		draw(t, filepath.Join(f.folder, name), i)
		hue, shape := []string{"red", "green", "blue", "grey"}[i%4], []string{"bars", "checks", "dots"}[i/4%3]
		fmt.Fprintf(&lines, `{"image":%q,"captions":{"en":"%s %s %d","de":"%s %s Nummer %d"}}`+"\n", name, hue, shape, i, hue, shape, i)
	}
	write(t, f.pairs(), lines.String())
	return f
}

// draw writes a picture that no other number gives.
func draw(t *testing.T, path string, number int) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(number), 7))
	picture := image.NewNRGBA(image.Rect(0, 0, 36, 30))
	for y := range 30 {
		for x := range 36 {
			level := uint8(random.IntN(60))
			if (x/(3+number%5)+y/(2+number%7))%2 == 0 {
				level += uint8(120 + number)
			}
			pixel := color.NRGBA{level / 3, level / 3, level / 3, 255}
			*[]*uint8{&pixel.R, &pixel.G, &pixel.B, &pixel.A}[number%4] = level | 3
			picture.SetNRGBA(x, y, pixel)
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawn gives every weight that is asked for random values.
type drawn struct {
	random *rand.Rand
	known  map[string]*graph.Value
	all    []safetensors.Weights
}

// Parameter implements siglip2.Parameters. Scales of norms are about one, the
// others about zero.
func (d *drawn) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if value, ok := d.known[name]; ok {
		return value
	}
	centre := 0.0
	if strings.Contains(name, "norm") && strings.HasSuffix(name, ".weight") {
		centre = 1
	}
	d.add(name, centre, 0.1, shape...)
	d.known[name] = g.Input(name, graph.Float32, shape...)
	return d.known[name]
}

func (d *drawn) add(name string, centre, deviation float64, shape ...int64) {
	count := int64(1)
	for _, dim := range shape {
		count *= dim
	}
	values := make([]float32, count)
	for i := range values {
		values[i] = float32(centre + deviation*d.random.NormFloat64())
	}
	d.all = append(d.all, safetensors.Weights{Name: name, Shape: shape, Values: values})
}

func writeModel(t *testing.T, dir, described string) {
	t.Helper()
	config, err := siglip2.ParseConfig([]byte(described))
	if err != nil {
		t.Fatal(err)
	}
	weights := &drawn{random: rand.New(rand.NewPCG(1, 1)), known: map[string]*graph.Value{}}
	_, errText := siglip2.BuildText(config, weights, siglip2.Options{})
	_, errVision := siglip2.BuildVision(config, weights, siglip2.Options{})
	if err := errors.Join(errText, errVision, os.Mkdir(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	weights.add("logit_scale", 2.3, 0, 1)
	weights.add("logit_bias", -2, 0, 1)
	if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), weights.all); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, siglip2.ConfigFile), described)
	write(t, filepath.Join(dir, "preprocessor_config.json"), smallPreprocessor)
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"} {
		content, err := os.ReadFile(filepath.Join("..", "encoder", "hub", "polylens-mini", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(content))
	}
}

// reading is how pairs of a file and their pictures are read.
func reading(t *testing.T, path string) trainer.Reading {
	t.Helper()
	files := data.NewFiles(data.FileOptions{})
	t.Cleanup(files.Close)
	decoder := data.DecodeWith(new(decode.Decoder), decode.Limits{})
	return trainer.Reading{Sources: []data.Source{data.Lines{Path: path}}, Opener: files, Decoder: decoder}
}

// setting prepares a run in a folder. All pairs are guarded.
func (f fixture) setting(t *testing.T, config trainer.Config, folder string) trainer.Setting {
	t.Helper()
	model, err := trainer.OpenModel(f.model(), "the fixture")
	if err != nil {
		t.Fatal(err)
	}
	from := reading(t, f.pairs())
	material, err := trainer.Inspect(t.Context(), config, model, from)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := trainer.NewGuarded(material, from)
	if err != nil {
		t.Fatal(err)
	}
	return trainer.Setting{
		Folder: folder, Environment: environment(t), Options: ort.Options{Threads: 2},
		Model: model, Material: material, Reading: from, Guard: guard, Log: slog.New(slog.DiscardHandler),
	}
}

// train runs to the end, and writes the model into the folder of the run.
func (f fixture) train(ctx context.Context, t *testing.T, config trainer.Config, folder string) (trainer.Result, error) {
	t.Helper()
	return trainer.Run(ctx, config, f.setting(t, config, folder), func(ctx context.Context, best *learner.Learner, _ *evaluate.Forgetting) error {
		target := filepath.Join(folder, "model")
		if err := os.RemoveAll(target); err != nil { // of a run that was killed after it
			return err
		}
		return best.Write(ctx, target)
	})
}

func environment(t *testing.T) *ort.Environment {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	return environment
}
