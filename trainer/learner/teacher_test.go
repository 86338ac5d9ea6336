package learner_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// pull draws vectors of pictures towards what the teacher makes of the first
// pictures, both moved by an average and by a parameter of its own.
type pull struct{}

// Names of what it declares.
const (
	pullPixels = "pull.pixels"
	pullOwn    = "pull.own"
	pullMean   = "pull.mean"
)

func (pull) Compose(c *learner.Composition) *graph.Value {
	side := int64(c.Config.Vision.Image)
	pixels := c.Graph.Input(pullPixels, graph.Float32, c.Plan.Pictures, c.Config.Vision.Channels, side, side)
	own := c.Trained(pullOwn, func(values []float32, random learner.Random) {
		for i := range values {
			values[i] = random.Float32()
		}
	}, int64(c.Config.Dimension()))
	taught := siglip2.Vision(c.Config, c.Teacher(), siglip2.Options{Prefix: "pull."}, siglip2.Picture{Pixels: pixels})
	mean := c.Average(pullMean, graph.ReduceMean(taught, false, 0))
	far := graph.Sub(graph.Add(graph.Add(c.Pictures, own), mean), taught)
	return graph.Reshape(graph.ReduceSum(graph.Mul(far, far), true), 1)
}

// training is a tiny model that is trained.
type training struct {
	*learner.Learner
	optimizer *optim.Optimizer
	batches   []learner.Batch
}

func newTraining(t *testing.T, mode string, late ...learner.Objective) *training {
	t.Helper()
	l := tiny(t, mode, learner.Plan{Texts: tinyBatch, Pictures: tinyBatch, Late: late})
	optimizer, err := optim.New(environment(t), optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}, ort.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { optimizer.Close() })
	_, pixels := state{folder: "../testdata/states/tiny/full"}.batches(t)
	batches := tinyParts(t, l, 6)
	for i := range batches {
		batches[i].Targets = allRelated(tinyBatch)
		batches[i].Extra = map[string]ort.Tensor{pullPixels: pixels[i]}
	}
	return &training{l, optimizer, batches}
}

var slow = learner.Momentum{Weights: 0.9, Observed: 0.75}

// steps takes steps from first to before end, and moves the teacher.
func (r *training) steps(t *testing.T, first, end int) {
	t.Helper()
	for step := first; step < end; step++ {
		if _, err := r.Step(t.Context(), r.batches[step]); err != nil {
			t.Fatal(err)
		}
		spans := r.State.Spans(func(p learner.Parameter) (float64, float64) { return 1e-2, 0.1 })
		if _, err := r.optimizer.Step(t.Context(), r.State.Memory, spans, int64(step), 1); err != nil {
			t.Fatal(err)
		}
		if r.Teacher == nil {
			continue
		}
		if err := r.Follow(t.Context(), slow, 1); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *training) startLate(t *testing.T) {
	t.Helper()
	if err := r.StartLate(); err != nil {
		t.Fatal(err)
	}
}

// TestTeacherFollows compares the averages of every weight with their formula.
func TestTeacherFollows(t *testing.T) {
	for _, mode := range []string{"full", "lora", "last-1"} {
		t.Run(mode, func(t *testing.T) {
			r := newTraining(t, mode, pull{})
			r.steps(t, 0, 1)
			r.startLate(t)
			want := r.expectFollowed(t)
			for step := 1; step < 4; step++ {
				r.steps(t, step, step+1)
				for name, average := range want {
					for i, weight := range r.weight(t, name) {
						average[i] = float32(float32(slow.Weights)*average[i]) + float32(float32(1-slow.Weights)*weight)
					}
				}
			}
			for i, parameter := range r.Teacher.Parameters {
				if parameter.Name != pullMean && !slices.Equal(r.Teacher.Average(i), want[parameter.Name]) {
					t.Errorf("%s is not the average of its weights", parameter.Name)
				}
			}
		})
	}
}

// expectFollowed demands that the teacher follows the trained weights of the
// vision tower, from what they are, and gives these.
func (r *training) expectFollowed(t *testing.T) map[string][]float32 {
	t.Helper()
	want := map[string][]float32{}
	for i, parameter := range r.State.Parameters {
		if strings.Contains(parameter.Name, "vision_model.") {
			want[parameter.Name] = slices.Clone(r.State.Weight(i))
		}
	}
	followed := map[string]bool{pullMean: true}
	for i, parameter := range r.Teacher.Parameters {
		followed[parameter.Name] = true
		if parameter.Name != pullMean && !slices.Equal(r.Teacher.Average(i), want[parameter.Name]) {
			t.Errorf("%s does not begin as the student's weights", parameter.Name)
		}
	}
	for name := range want {
		if !followed[name] {
			t.Errorf("%s is trained, and not followed", name)
		}
	}
	if len(followed) != len(want)+1 {
		t.Errorf("%d tensors are followed, want %d: %v", len(followed), len(want)+1, slices.Sorted(maps.Keys(followed)))
	}
	return want
}

func (r *training) weight(t *testing.T, name string) []float32 {
	t.Helper()
	for i, parameter := range r.State.Parameters {
		if parameter.Name == name {
			return r.State.Weight(i)
		}
	}
	t.Fatal("no parameter", name)
	return nil
}

// TestLateChangesNothingBefore: until its late objectives take part, a run is to
// the bit one without them, and their parameters wait.
func TestLateChangesNothingBefore(t *testing.T) {
	for _, mode := range []string{"full", "lora", "last-1"} {
		t.Run(mode, func(t *testing.T) {
			plain, r := newTraining(t, mode), newTraining(t, mode, pull{})
			own := slices.Clone(r.weight(t, pullOwn))
			plain.steps(t, 0, 3)
			r.steps(t, 0, 3)
			known := len(plain.State.Weights)
			for name, pair := range map[string][2][]float32{
				"weights": {plain.State.Weights, r.State.Weights}, "first moments": {plain.State.First, r.State.First},
				"second moments": {plain.State.Second, r.State.Second},
			} {
				if !slices.Equal(pair[0], pair[1][:known]) {
					t.Errorf("%s differ from those of a run without late objectives", name)
				}
			}
			if !slices.Equal(r.weight(t, pullOwn), own) {
				t.Error("a parameter of a late objective changes before it takes part")
			}
			r.startLate(t)
			r.steps(t, 3, 4)
			if slices.Equal(r.weight(t, pullOwn), own) {
				t.Error("a parameter of a late objective does not change once it takes part")
			}
		})
	}
}

// TestGoOnWithTeacher: a run that goes on with its weights, moments and teacher
// ends to the bit like one that nothing disturbed.
func TestGoOnWithTeacher(t *testing.T) {
	whole, resumed := newTraining(t, "full", pull{}), newTraining(t, "full", pull{})
	whole.steps(t, 0, 2)
	whole.startLate(t)
	whole.steps(t, 2, 4)
	for _, memory := range [][2][]float32{
		{resumed.State.Weights, whole.State.Weights}, {resumed.State.First, whole.State.First}, {resumed.State.Second, whole.State.Second},
	} {
		copy(memory[0], memory[1])
	}
	resumed.startLate(t)
	copy(resumed.Teacher.Values, whole.Teacher.Values)
	whole.steps(t, 4, 6)
	resumed.steps(t, 4, 6)
	if !slices.Equal(whole.State.Weights, resumed.State.Weights) || !slices.Equal(whole.Teacher.Values, resumed.Teacher.Values) {
		t.Error("going on ends with other weights, or another teacher")
	}
}

// TestNoTeacher: what needs a teacher, or late objectives, says so.
func TestNoTeacher(t *testing.T) {
	r := newTraining(t, "full")
	if err := r.Follow(t.Context(), slow, 1); err == nil {
		t.Error("without a teacher, Follow is no error")
	}
	if err := r.StartLate(); err == nil {
		t.Error("without late objectives, StartLate is no error")
	}
	r = newTraining(t, "full", pull{})
	r.startLate(t)
	if err := r.StartLate(); err == nil {
		t.Error("StartLate twice is no error")
	}
}
