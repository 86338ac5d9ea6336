package caption

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// toyConfig leaves the size of the vocabulary open.
const toyConfig = `{"model_type": "siglip",
	"text_config": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
		"vocab_size": %d, "max_position_embeddings": 40, "projection_size": 48},
	"vision_config": {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
		"image_size": 16, "patch_size": 8}}`

// toyExamples are pictures of noise; what they show is made up.
var toyExamples = []Example{
	{Text: "a red fox", Box: &Box{0, 0, .5, .5}}, {Text: "two owls", Box: &Box{.5, .25, 1, 1}}, {Text: "snow"},
	{Text: "a hat on a cat", Box: &Box{.1, .2, .3, .4}}, {Text: "an old map"}, {Text: "rain", Box: &Box{0, .5, 1, 1}},
	{Text: "a hat"}, {Text: "nothing much", Box: &Box{0, 0, 1, 1}},
}

// toy is a small model of random weights that is trained on the toy examples.
type toy struct {
	config   siglip2.Config
	index    *safetensors.Index
	decoder  *Decoder
	examples []Example
	pixels   ort.Tensor
}

// toyVocabulary is a few tokens more than spelling has.
const toyVocabulary = 50

func newToy(t *testing.T, config Config, vocabulary int) *toy {
	t.Helper()
	description := fmt.Appendf(nil, toyConfig, vocabulary)
	model, err := siglip2.ParseConfig(description)
	if err != nil {
		t.Fatal(err)
	}
	w := &toy{config: model, index: writeToy(t, model, description), examples: toyExamples}
	if w.decoder, err = New(config, model, spelling{}); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(4, 5))
	side, channels := int64(model.Vision.Image), model.Vision.Channels
	pixels := make([]float32, int64(len(toyExamples))*channels*side*side)
	for i := range pixels {
		pixels[i] = 2*random.Float32() - 1
	}
	w.pixels = ort.Floats(pixels, int64(len(toyExamples)), channels, side, side)
	return w
}

// recorder notes which weights a tower has.
type recorder struct{ weights []safetensors.Weights }

func (r *recorder) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if !slices.ContainsFunc(r.weights, func(w safetensors.Weights) bool { return w.Name == name }) {
		r.weights = append(r.weights, safetensors.Weights{Name: name, Shape: shape})
	}
	return g.Zeros(shape)
}

func writeToy(t *testing.T, config siglip2.Config, description []byte) *safetensors.Index {
	t.Helper()
	r := &recorder{weights: []safetensors.Weights{{Name: "logit_scale", Shape: []int64{1}}, {Name: "logit_bias", Shape: []int64{1}}}}
	_, err := siglip2.BuildText(config, r, siglip2.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = siglip2.BuildVision(config, r, siglip2.Options{}); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(6, 7))
	for i, weight := range r.weights {
		count, _ := graph.Shape(weight.Shape).Elements()
		values := make([]float32, count)
		for j := range values {
			values[j] = float32(random.NormFloat64()) / float32(math.Sqrt(float64(weight.Shape[len(weight.Shape)-1])))
			if strings.Contains(weight.Name, "norm") {
				values[j] = map[bool]float32{true: 1}[strings.HasSuffix(weight.Name, ".weight")]
			}
		}
		r.weights[i].Values = values
	}
	dir := t.TempDir()
	if err := safetensors.WriteFile(filepath.Join(dir, "model.safetensors"), r.weights); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, siglip2.ConfigFile), description, 0o600); err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// open opens the learner of a mode, with the decoder.
func (w *toy) open(t *testing.T, mode string, change func(*learner.Plan)) (*learner.Learner, error) {
	t.Helper()
	parsed, err := learner.ParseMode(mode, w.config)
	if err != nil {
		t.Fatal(err)
	}
	count := int64(len(toyExamples))
	plan := learner.Plan{Texts: count, Pictures: count, Mode: parsed, Objectives: []learner.Objective{w.decoder},
		LoRA: learner.LoRA{Rank: 2, Alpha: 2, Targets: []string{"q_proj"}, Towers: []string{"vision"}}}
	if change != nil {
		change(&plan)
	}
	l, err := learner.Open(environment(t), w.config, w.index, plan, ort.Options{Threads: 1}, 1)
	if err == nil {
		t.Cleanup(func() { l.Close() })
	}
	return l, err
}

// batch is all of the examples.
func (w *toy) batch(t *testing.T, l *learner.Learner, step uint64) learner.Batch {
	t.Helper()
	count := len(toyExamples)
	var ids []int64
	targets := make([]float32, count*count)
	for i, example := range w.examples {
		ids = append(ids, spelling{}.Encode(example.Text, int(w.config.Text.Length))...)
		targets[i*count+i] = 1
	}
	texts, err := l.EnterTexts(t.Context(), ort.Ints(ids, int64(count), w.config.Text.Length))
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := l.EnterPictures(t.Context(), w.pixels)
	if err != nil {
		t.Fatal(err)
	}
	extra, err := w.decoder.Inputs(w.examples, 1, step)
	if err != nil {
		t.Fatal(err)
	}
	return learner.Batch{Texts: texts, Pictures: pictures, Targets: targets, Extra: extra}
}

// train takes steps of AdamW and gives what the last one reported.
func (w *toy) train(t *testing.T, l *learner.Learner, steps int64) map[string]float64 {
	t.Helper()
	settings := optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}
	optimizer, err := optim.New(environment(t), settings, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer optimizer.Close()
	schedule := func(step int64) float64 { return 3e-3 * float64(steps-step) / float64(steps) }
	var reports map[string]float64
	for step := range steps {
		if reports, err = l.Step(t.Context(), w.batch(t, l, uint64(step))); err != nil {
			t.Fatal(err)
		}
		spans := l.State.Spans(func(learner.Parameter) (float64, float64) { return schedule(step), 0 })
		if _, err := optimizer.Step(t.Context(), l.State.Memory, spans, step, 1); err != nil {
			t.Fatal(err)
		}
	}
	return reports
}

// tokens are those of the pictures with the weights as they are now.
func (w *toy) tokens(t *testing.T, state *learner.State) ort.Tensor {
	t.Helper()
	r := &trained{state: state}
	g, err := graph.Build("tokens", func(g *graph.Graph) {
		pixels := g.Input("pixels", graph.Float32, w.pixels.Shape...)
		siglip2.Vision(w.config, r, siglip2.Options{}, siglip2.Picture{Pixels: pixels})
		g.MarkOutput(siglip2.LastHiddenState)
	})
	if err != nil {
		t.Fatal(err)
	}
	session, err := environment(t).NewSession(ort.Model{Graph: g.Encode(), Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	results, err := session.Run(t.Context(), append([]ort.Tensor{w.pixels}, r.given...)...)
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// trained are the weights of a state, inputs of a graph.
type trained struct {
	state *learner.State
	names map[string]*graph.Value
	given []ort.Tensor
}

func (r *trained) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if value, ok := r.names[name]; ok {
		return value
	}
	if r.names == nil {
		r.names = map[string]*graph.Value{}
	}
	for i, parameter := range r.state.Parameters {
		if parameter.Name == name {
			r.names[name] = g.Input(name, graph.Float32, shape...)
			r.given = append(r.given, ort.Floats(r.state.Weight(i), shape...))
		}
	}
	return r.names[name]
}

// TestLearnsCaptions trains a model on a few pictures and reads the captions
// back from it.
func TestLearnsCaptions(t *testing.T) {
	for _, boxes := range []bool{false, true} {
		t.Run(fmt.Sprintf("boxes %t", boxes), func(t *testing.T) {
			w := newToy(t, Config{Weight: 1, Parallel: 0.5, Boxes: boxes, Part: 16}, toyVocabulary)
			l, err := w.open(t, "full", nil)
			if err != nil {
				t.Fatal(err)
			}
			first := w.train(t, l, 1)[LossReport]
			if uniform := math.Log(toyVocabulary); math.Abs(first-uniform) > 1e-5 {
				t.Errorf("the first loss is %v, that of a decoder that knows nothing is %v", first, uniform)
			}
			if last := w.train(t, l, 300)[LossReport]; !(last < 0.05) {
				t.Errorf("the loss is still %v", last)
			}
			w.expectCaptions(t, l.State)
		})
	}
}

func (w *toy) expectCaptions(t *testing.T, state *learner.State) {
	t.Helper()
	count := int64(len(toyExamples))
	writer, err := w.decoder.OpenWriter(environment(t), count, w.config.Vision.Patches(), ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	captions, err := writer.Caption(t.Context(), state, w.tokens(t, state))
	if err != nil {
		t.Fatal(err)
	}
	for i, example := range toyExamples {
		if got := spell(captions[i]); got != example.Text {
			t.Errorf("picture %d is captioned %q, want %q", i, got, example.Text)
		}
	}
}

// TestPlansDoNotMatter: computed once more, added up or without ONNX Runtime's
// own operators, gradients stay what they are.
func TestPlansDoNotMatter(t *testing.T) {
	w := newToy(t, Config{Weight: 0.5, Parallel: 0.5, Boxes: true, Part: 16}, toyVocabulary)
	want := w.gradients(t, 1, nil)
	for _, test := range []struct {
		name   string
		change func(*learner.Plan)
		times  int // steps whose gradients are added up
	}{
		{"recomputed", func(p *learner.Plan) { p.Recompute = true }, 1},
		{"accumulated", func(p *learner.Plan) { p.Accumulate = true }, 2},
		{"portable", func(p *learner.Plan) { p.Portable = true }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := w.gradients(t, test.times, test.change)
			for name, gradient := range want {
				for i := range gradient {
					got[name][i] /= float32(test.times)
				}
				if off := distance(got[name], gradient); !(off <= 2e-5*length(gradient)+1e-6) {
					t.Errorf("the gradient of %s is off by %v, it is %v long", name, off, length(gradient))
				}
			}
		})
	}
}

// gradients are those of one batch by name, after a few steps so that nothing
// is zero any more.
func (w *toy) gradients(t *testing.T, times int, change func(*learner.Plan)) map[string][]float32 {
	t.Helper()
	warm, err := w.open(t, "full", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.train(t, warm, 3)
	l, err := w.open(t, "full", change)
	if err != nil {
		t.Fatal(err)
	}
	copy(l.State.Weights, warm.State.Weights)
	for range times {
		if _, err := l.Step(t.Context(), w.batch(t, l, 7)); err != nil {
			t.Fatal(err)
		}
	}
	gradients := map[string][]float32{}
	for i, parameter := range l.State.Parameters {
		gradients[parameter.Name] = slices.Clone(l.State.Gradient(i))
	}
	return gradients
}

// TestModes: captions teach every mode that trains the vision tower, and only
// these.
func TestModes(t *testing.T) {
	w := newToy(t, Config{Weight: 10, Part: 64}, toyVocabulary)
	for mode, works := range map[string]bool{"full": true, "lora": true, "last-1": true, "text-only": false, "query": false} {
		t.Run(mode, func(t *testing.T) {
			l, err := w.open(t, mode, nil)
			if !works {
				if err == nil || !strings.Contains(err.Error(), "leave captions out") {
					t.Errorf("error %v does not say that captions teach nothing", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.train(t, l, 3) // the head starts from zero and passes nothing back at first
			for _, part := range []string{Prefix, "vision_model."} {
				w.expectSlope(t, l, part)
			}
		})
	}
}

// expectSlope compares the gradient of the parameters whose names contain part
// with finite differences along it: the loss of a step, captions included,
// rises by the length of the gradient.
func (w *toy) expectSlope(t *testing.T, l *learner.Learner, part string) {
	t.Helper()
	batch, state := w.batch(t, l, 7), l.State
	if _, err := l.Step(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	weights, direction := slices.Clone(state.Weights), make([]float32, len(state.Weights))
	for i, parameter := range state.Parameters {
		if strings.Contains(parameter.Name, part) {
			copy(direction[parameter.Offset:], state.Gradient(i))
		}
	}
	want := length(direction)
	step := min(0.25, 0.01/want) // enough for the loss to change by more than it is rounded
	at := func(steps float64) float64 {
		for i := range weights {
			state.Weights[i] = weights[i] + float32(steps*step/want)*direction[i]
		}
		reports, err := l.Step(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		return reports["loss"]
	}
	slope := (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * step)
	copy(state.Weights, weights)
	if !(math.Abs(slope-want) <= 1e-2*want) {
		t.Errorf("along the gradient of %s, which is %v long, the loss rises by %v", part, want, slope)
	}
}
