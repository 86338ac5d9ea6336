package distill

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/ort"
	"polylens/trainer/learner"
	"polylens/trainer/optim"
)

// toy is the golden model, trained on a few pictures.
type toy struct {
	golden
	*learner.Learner
	distiller *Distiller
	pictures  int
}

func newToy(t *testing.T, mode string, change func(*Config, *learner.Plan)) (*toy, error) {
	t.Helper()
	w := &toy{golden: openGolden(t), pictures: 8}
	w.config.Prototypes, w.config.Hidden, w.config.Factor = 64, 24, 1
	w.config.TeacherTemperature, w.config.StudentTemperature = 0.04, 0.1
	parsed, err := learner.ParseMode(mode, w.model)
	if err != nil {
		t.Fatal(err)
	}
	plan := learner.Plan{Texts: int64(w.pictures), Pictures: int64(w.pictures), Mode: parsed,
		LoRA: learner.LoRA{Rank: 2, Alpha: 2, Targets: []string{"q_proj"}, Towers: []string{"vision"}}}
	if change != nil {
		change(&w.config, &plan)
	}
	if w.distiller, err = New(w.config, w.model); err != nil {
		t.Fatal(err)
	}
	plan.Objectives = []learner.Objective{w.distiller}
	if w.Learner, err = learner.Open(environment(t), w.model, w.index, plan, ort.Options{Threads: 1}, 1); err == nil {
		t.Cleanup(func() { w.Close() })
	}
	return w, err
}

// wave is a part of picture number i, from a corner on, of so many pixels a
// side that each cover a share of the picture: a pattern of waves in a colour
// that no other picture has.
func wave(i int, random *rand.Rand, side int, share float64) []float32 {
	values := make([]float32, 3*side*side)
	x0, y0 := random.Float64()*(1-share), random.Float64()*(1-share)
	for at := range values {
		channel, y, x := at/(side*side), at/side%side, at%side
		u, v := x0+share*float64(x)/float64(side), y0+share*float64(y)/float64(side)
		level := float64(i>>channel&1) - 0.5
		values[at] = float32(level + math.Sin(6*u*float64(1+i%3)+float64(i+channel))*math.Cos(6*v*float64(1+i/3))/2)
	}
	return values
}

func (w *toy) batch(t *testing.T, step uint64) learner.Batch {
	t.Helper()
	random := rand.New(rand.NewPCG(9, step))
	side, reduced := int(w.model.Vision.Image), int(w.distiller.local.Vision.Image)
	var ids []int64
	var pixels []float32
	targets, views := make([]float32, w.pictures*w.pictures), make([][][]float32, w.pictures)
	for i := range w.pictures {
		targets[i*w.pictures+i] = 1
		ids = append(ids, int64(2+i%4), int64(2+i/4), 1, 0)
		pixels = append(pixels, wave(i, random, side, 1)...)
		views[i] = [][]float32{wave(i, random, side, 0.8)}
		for range w.config.locals() {
			views[i] = append(views[i], wave(i, random, reduced, 0.4))
		}
	}
	extra, err := w.distiller.Inputs(views, 1, step)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := w.EnterTexts(t.Context(), ort.Ints(ids, int64(w.pictures), 4))
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := w.EnterPictures(t.Context(), ort.Floats(pixels, int64(w.pictures), 3, int64(side), int64(side)))
	if err != nil {
		t.Fatal(err)
	}
	return learner.Batch{Texts: texts, Pictures: pictures, Targets: targets, Extra: extra}
}

// train takes steps and gives the means of what the last of them report.
func (w *toy) train(t *testing.T, steps int64) (last map[string]float64) {
	t.Helper()
	const counted = 20
	optimizer, err := optim.New(environment(t), optim.Settings{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Clip: 1}, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer optimizer.Close()
	last = map[string]float64{}
	for step := range steps {
		reports, err := w.Step(t.Context(), w.batch(t, uint64(step)))
		if err != nil {
			t.Fatal(err)
		}
		spans := w.State.Spans(func(learner.Parameter) (float64, float64) { return 1e-3, 0 })
		if _, err := optimizer.Step(t.Context(), w.State.Memory, spans, step, 1); err != nil {
			t.Fatal(err)
		}
		if err := w.Follow(t.Context(), learner.Momentum{Weights: 0.98, Observed: 0.9}, 1); err != nil {
			t.Fatal(err)
		}
		for name, value := range reports {
			if step >= steps-counted {
				last[name] += value / counted
			}
		}
	}
	return last
}

// TestLearns: the student comes close to what the teacher says, who tells
// pictures apart: it collapses neither to one answer nor to all of them alike.
func TestLearns(t *testing.T) {
	w, err := newToy(t, "full", nil)
	if err != nil {
		t.Fatal(err)
	}
	last := w.train(t, 300)
	t.Logf("at last %v", last)
	nothing := math.Log(float64(w.config.Prototypes)) // the loss of a student who knows nothing
	for _, name := range []string{ViewReport, PatchReport} {
		if !(last[name] < 0.3*nothing) {
			t.Errorf("%s is still %v, that of a student who knows nothing is %v", name, last[name], nothing)
		}
	}
	if used := w.answers(t); used < 3 {
		t.Errorf("the teacher gives %d answers to %d pictures", used, w.pictures)
	}
}

// answers counts the prototypes that the teacher prefers for one picture or
// another. What it observes is their mean, so it is asked for one at a time.
func (w *toy) answers(t *testing.T) int {
	t.Helper()
	preferred := map[int]bool{}
	for picture := range w.pictures {
		batch := w.batch(t, 1000)
		global := batch.Extra[globalInput]
		size := len(global.Floats) / w.pictures
		same := slices.Repeat(global.Floats[picture*size:(picture+1)*size], w.pictures)
		batch.Extra[globalInput] = ort.Floats(same, global.Shape...)
		if _, err := w.Step(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(w.centre())
		if err := w.Follow(t.Context(), learner.Momentum{Weights: 1, Observed: 0}, 1); err != nil {
			t.Fatal(err)
		}
		best := 0
		for i, cosine := range w.centre() {
			if cosine-before[i] > w.centre()[best]-before[best] {
				best = i
			}
		}
		preferred[best] = true
		copy(w.centre(), before)
	}
	return len(preferred)
}

// centre is that of the views' head.
func (w *toy) centre() []float32 {
	for i, parameter := range w.Teacher.Parameters {
		if parameter.Name == viewHead+centre {
			return w.Teacher.Average(i)
		}
	}
	return nil
}

// TestModes: every mode that trains the vision tower can distil, and only these.
func TestModes(t *testing.T) {
	for mode, works := range map[string]bool{"full": true, "lora": true, "last-1": true, "text-only": false, "query": false} {
		t.Run(mode, func(t *testing.T) {
			w, err := newToy(t, mode, nil)
			if !works {
				if err == nil || !strings.Contains(err.Error(), "distill.factor") {
					t.Errorf("error %v does not say that nothing can be learned", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.train(t, 20) // so that student and teacher differ
			w.expectSlope(t, "vision_model.", 0.02)
			w.expectSlope(t, Prefix, 0.0005) // heads begin with small weights
		})
	}
}

// expectSlope compares the gradient of the parameters whose names contain part
// with finite differences along it: the loss rises by the length of the
// gradient. They reach no farther than most.
func (w *toy) expectSlope(t *testing.T, part string, most float64) {
	t.Helper()
	batch, state := w.batch(t, 1000), w.State
	if _, err := w.Step(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	weights, direction := slices.Clone(state.Weights), make([]float32, len(state.Weights))
	for i, parameter := range state.Parameters {
		if strings.Contains(parameter.Name, part) {
			copy(direction[parameter.Offset:], state.Gradient(i))
		}
	}
	want := length(direction)
	step := min(most, 0.01/want) // enough for the loss to change by more than it is rounded
	at := func(steps float64) float64 {
		for i := range weights {
			state.Weights[i] = weights[i] + float32(steps*step/want)*direction[i]
		}
		reports, err := w.Step(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		return reports["loss"]
	}
	slope := (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * step)
	copy(state.Weights, weights)
	if !(want > 0 && math.Abs(slope-want) <= 1e-2*want) {
		t.Errorf("along the gradient of %s, which is %v long, the loss rises by %v", part, want, slope)
	}
}

// TestOneLossAlone: either can be left out, with all that it needs.
func TestOneLossAlone(t *testing.T) {
	for name, leave := range map[string]func(*Config){
		patchHead: func(c *Config) { c.View = 0 }, viewHead: func(c *Config) { c.Patch = 0 },
	} {
		w, err := newToy(t, "full", func(c *Config, _ *learner.Plan) { leave(c) })
		if err != nil {
			t.Fatal(err)
		}
		w.train(t, 2)
		for _, parameter := range w.State.Parameters {
			kept := strings.HasPrefix(parameter.Name, name) || name == patchHead && parameter.Name == maskToken
			if strings.HasPrefix(parameter.Name, Prefix) && !kept {
				t.Errorf("with nothing but %s there is %s", name, parameter.Name)
			}
		}
	}
}
