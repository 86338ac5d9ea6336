package learner_test

import (
	"path/filepath"
	"slices"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
)

// tinyBatch is how many pairs a batch of the tiny model has.
const tinyBatch = 4

// tiny opens the tiny model for batches of pairs.
func tiny(t *testing.T, mode string, plan learner.Plan) *learner.Learner {
	t.Helper()
	dir := filepath.Join("..", "testdata", "states", "tiny", "model")
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Mode, err = learner.ParseMode(mode, config); err != nil {
		t.Fatal(err)
	}
	plan.LoRA = learner.DefaultLoRA()
	l, err := learner.Open(environment(t), config, index, plan, ort.Options{Threads: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for i, parameter := range l.State.Parameters { // LoRA's B begins with zeros, which would hide A
		for j, value := range l.State.Weight(i) {
			if mode == "lora" && value == 0 {
				l.State.Weight(i)[j] = float32(len(parameter.Name)+j%7) / 500
			}
		}
	}
	return l
}

// tinyParts are batches of the tiny model, in which text i describes picture i
// wholly and the next one a little.
func tinyParts(t *testing.T, l *learner.Learner, count int) []learner.Batch {
	t.Helper()
	s := state{folder: filepath.Join("..", "testdata", "states", "tiny", "full")}
	ids, pixels := s.batches(t)
	return enter(t, l, ids[:count], pixels[:count])
}

// joined is one batch of several.
func joined(parts []learner.Batch) learner.Batch {
	whole := parts[0]
	for _, part := range parts[1:] {
		whole.Texts, whole.Pictures = join(whole.Texts, part.Texts), join(whole.Pictures, part.Pictures)
	}
	return whole
}

func join(a, b ort.Tensor) ort.Tensor {
	shape := slices.Clone(a.Shape)
	shape[0] += b.Shape[0]
	return ort.Tensor{Shape: shape, Floats: slices.Concat(a.Floats, b.Floats), Ints: slices.Concat(a.Ints, b.Ints)}
}

// related tells that text i describes picture i, and the one after it a little,
// which may be in another part.
func related(text int, row []float32) {
	row[text] = 1
	row[(text+1)%len(row)] = 0.25
}

func allRelated(pairs int) []float32 {
	targets := make([]float32, pairs*pairs)
	for i := range pairs {
		related(i, targets[i*pairs:(i+1)*pairs])
	}
	return targets
}

// TestAcrossPartsIsOneBatch compares a batch in three parts with the same batch
// in one.
func TestAcrossPartsIsOneBatch(t *testing.T) {
	const parts, pairs = 3, 3 * tinyBatch
	for _, mode := range []string{"full", "last-1", "lora", "text-only", "query"} {
		t.Run(mode, func(t *testing.T) {
			whole := tiny(t, mode, learner.Plan{Texts: pairs, Pictures: pairs})
			batch := joined(tinyParts(t, whole, parts))
			batch.Targets = allRelated(pairs)
			want, err := whole.Step(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			cut := tiny(t, mode, learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Parts: parts})
			cut.State.Gradient(len(cut.State.Parameters) - 1)[0] = 1e6 // of a step before
			got, err := cut.StepAcross(t.Context(), tinyParts(t, cut, parts), related)
			if err != nil {
				t.Fatal(err)
			}
			if relative(got["loss"], want["loss"]) > 1e-6 {
				t.Errorf("the loss is %v in parts, %v at once", got["loss"], want["loss"])
			}
			compareGradients(t, cut, whole, 1.0/parts)
		})
	}
}

// compareGradients demands that the gradients, times a factor, are those of the
// other within 1e-5 of the length of each, or of a hundredth of all where one is shorter
// and little but rounding. Parameters may stand in another order.
func compareGradients(t *testing.T, got, want *learner.Learner, factor float32) {
	t.Helper()
	all := norm(want.State.Gradients, nil)
	for i, parameter := range got.State.Parameters {
		at := slices.IndexFunc(want.State.Parameters, func(p learner.Parameter) bool { return p.Name == parameter.Name })
		if at < 0 || len(want.State.Parameters) != len(got.State.Parameters) {
			t.Fatalf("%d parameters are trained, want %d; %s among them", len(got.State.Parameters), len(want.State.Parameters), parameter.Name)
		}
		scaled := slices.Clone(got.State.Gradient(i))
		for j := range scaled {
			scaled[j] *= factor
		}
		length := max(norm(want.State.Gradient(at), nil), 1e-2*all)
		if off := norm(scaled, want.State.Gradient(at)) / length; !(off < 1e-5) {
			t.Errorf("the gradient of %s is off by %.1e of its length", parameter.Name, off)
		}
	}
}

// leaning is an objective of each part: the mean of the first number of its
// texts' vectors, times a parameter of its own and an input.
type leaning struct{ derived bool }

func (o leaning) Compose(c *learner.Composition) *graph.Value {
	g := c.Graph
	own := c.Trained("leaning", func(values []float32, _ learner.Random) { values[0] = 0.5 }, 1)
	first := graph.Slice(c.Texts, 1, 0, 1)
	mean := graph.Reshape(graph.ReduceMean(first, true), 1)
	factor := graph.Mul(own, g.Input("factor", graph.Float32, 1))
	c.Report("mean", mean)
	if !o.derived {
		return graph.Mul(mean, factor)
	}
	share := graph.Add(g.Zeros(first.Shape), graph.Div(factor, g.Floats(graph.Shape{1}, float32(c.Plan.Texts))))
	derivative := graph.Pad(share, 1, 0, c.Texts.Shape[1]-1)
	c.Derived(graph.Mul(mean, factor), []*graph.Value{c.Texts}, []*graph.Value{derivative})
	return nil
}

// TestObjectivesOfParts demands that what an objective adds to a batch across
// parts is what it adds to each of the parts.
func TestObjectivesOfParts(t *testing.T) {
	const parts = 2
	for name, objective := range map[string]leaning{"returned": {}, "derived": {derived: true}} {
		t.Run(name, func(t *testing.T) {
			plan := learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Objectives: []learner.Objective{objective}}
			each, apart := tiny(t, "full", plan), tiny(t, "full", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch})
			plan.Parts = parts
			across := tiny(t, "full", plan)
			plan.Objectives = nil
			plain := tiny(t, "full", plan)

			batches := tinyParts(t, across, parts)
			for i := range batches {
				batches[i].Extra = map[string]ort.Tensor{"factor": ort.Floats([]float32{float32(i + 3)}, 1)}
			}
			got, err := across.StepAcross(t.Context(), batches, related)
			if err != nil {
				t.Fatal(err)
			}
			base, err := plain.StepAcross(t.Context(), batches, related)
			if err != nil {
				t.Fatal(err)
			}
			want, loss := gradientsOf(plain), base["loss"]
			for _, batch := range batches {
				with, err := each.Step(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				without, err := apart.Step(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				loss += (with["loss"] - without["loss"]) / parts
				addGradients(want, each, 1)
				addGradients(want, apart, -1)
			}
			if relative(got["loss"], loss) > 1e-5 {
				t.Errorf("the loss is %v, want %v", got["loss"], loss)
			}
			if got["mean"] == 0 {
				t.Error("the objective reports nothing")
			}
			for name, gradient := range gradientsOf(across) {
				if off := norm(gradient, want[name]) / max(norm(want[name], nil), 1e-2*norm(across.State.Gradients, nil)); !(off < 1e-4) {
					t.Errorf("the gradient of %s is off by %.1e of its length", name, off)
				}
			}
		})
	}
}

func gradientsOf(l *learner.Learner) map[string][]float32 {
	gradients := map[string][]float32{}
	addGradients(gradients, l, 1)
	return gradients
}

func addGradients(to map[string][]float32, l *learner.Learner, factor float32) {
	for i, parameter := range l.State.Parameters {
		if to[parameter.Name] == nil {
			to[parameter.Name] = make([]float32, parameter.Elements())
		}
		for j, value := range l.State.Gradient(i) {
			to[parameter.Name][j] += factor * value
		}
	}
}

// TestPartsAreCounted refuses batches in another number of parts.
func TestPartsAreCounted(t *testing.T) {
	l := tiny(t, "text-only", learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Parts: 2})
	if _, err := l.StepAcross(t.Context(), tinyParts(t, l, 3), related); err == nil {
		t.Error("three parts are taken for two")
	}
}

// TestAcrossKeepsAsAStep: one part across is one batch, also where a step looks
// at some of the patches and tokens only.
func TestAcrossKeepsAsAStep(t *testing.T) {
	for name, keep := range map[string]learner.Keep{"all": {}, "patches": {Patches: 2}, "tokens": {Tokens: 3}, "both": {Patches: 2, Tokens: 3}} {
		t.Run(name, func(t *testing.T) {
			plan := learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Keep: keep}
			one := tiny(t, "full", plan)
			plan.Parts = 1
			across := tiny(t, "full", plan)
			batch := tinyParts(t, one, 1)[0]
			batch.Targets, batch.Number = allRelated(tinyBatch), 5
			if _, err := one.Step(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if _, err := across.StepAcross(t.Context(), []learner.Batch{batch}, related); err != nil {
				t.Fatal(err)
			}
			compareGradients(t, across, one, 1)
		})
	}
}
