package label_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
	"polylens/trainer/data"
	"polylens/trainer/label"
	"polylens/trainer/learner"
	"polylens/trainer/learner/learnertest"
)

// set has four pictures of three items: "animal" belongs to two of them.
func set() (pairs *data.Set, items []int) {
	pairs = &data.Set{Pictures: make([]data.Picture, 4)}
	for _, pair := range []struct {
		picture        int
		language, text string
	}{
		{0, "en", "dog"}, {0, "en", "animal"}, {0, "de", "Tier"}, {1, "en", "cat"}, {1, "en", "animal"}, {1, "de", "Tier"},
		{2, "en", "house"}, {3, "en", "pet"},
	} {
		pairs.Pairs = append(pairs.Pairs, data.Pair{Picture: pair.picture, Language: pair.language, Text: pair.text, Relevance: 1})
	}
	return pairs, []int{7, 8, 9, 7}
}

func TestLabels(t *testing.T) {
	pairs, items := set()
	for _, test := range []struct {
		language string
		shared   int
		texts    int
	}{{"en", 2, 1}, {"", 2, 2}, {"en", 3, 0}, {"fr", 2, 0}} {
		labels := label.NewLabels(label.Config{Shared: test.shared, Language: test.language}, pairs, items, []int{0, 1, 2, 3})
		if labels.Items() != 3 || labels.Texts() != test.texts {
			t.Errorf("%+v: %d items and %d texts", test, labels.Items(), labels.Texts())
		}
	}
}

func TestTargets(t *testing.T) {
	pairs, items := set()
	config := label.Config{Items: 1, Texts: 1, Shared: 2, Smoothing: 0.3}
	objective := label.NewObjective(config, label.NewLabels(config, pairs, items, []int{0, 1, 2, 3}))
	given := objective.Targets([]int{3, 2})
	expect(t, given["label.item_targets"], []float32{0.8, 0.1, 0.1, 0.1, 0.1, 0.8})
	expect(t, given["label.text_targets"], []float32{0.5, 0.5, 0, 0}) // picture 3 shows a dog, too
}

func expect(t *testing.T, got ort.Tensor, want []float32) {
	t.Helper()
	same := slices.EqualFunc(got.Floats, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 })
	if !same {
		t.Errorf("targets %v, want %v", got.Floats, want)
	}
}

// newLearner opens the tiny model to learn labels alone.
func newLearner(t *testing.T, config label.Config) (*learner.Learner, *label.Objective) {
	t.Helper()
	pairs, items := set()
	objective := label.NewObjective(config, label.NewLabels(config, pairs, items, []int{0, 1, 2, 3}))
	l, _ := openTiny(t, "vision-only", learner.Plan{Texts: 4, Pictures: 4, Alone: true, Objectives: []learner.Objective{objective}})
	return l, objective
}

// openTiny opens the tiny model in a mode, and gives the dimension of its vectors.
func openTiny(t *testing.T, mode string, plan learner.Plan) (*learner.Learner, int) {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	const dir = "../testdata/states/tiny/model"
	architecture, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Mode, err = learner.ParseMode(mode, architecture); err != nil {
		t.Fatal(err)
	}
	l, err := learner.Open(environment, architecture, index, plan, ort.Options{Threads: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, architecture.Dimension()
}

func step(t *testing.T, l *learner.Learner, objective *label.Objective) map[string]float64 {
	t.Helper()
	pixels := make([]float32, 4*3*24*24)
	for i := range pixels {
		pixels[i] = float32(math.Sin(float64(i*(1+i/(3*24*24))) / 7))
	}
	reports, err := l.Step(t.Context(), learner.Batch{
		Pictures: ort.Floats(pixels, 4, 3, 24, 24), Extra: objective.Targets([]int{0, 1, 2, 3}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

// TestLossOfNoKnowledge: heads begin with zeros, so all labels are as likely.
func TestLossOfNoKnowledge(t *testing.T) {
	l, objective := newLearner(t, label.Config{Items: 2, Texts: 0.5, Shared: 2, Scale: 16, Smoothing: 0.05})
	reports := step(t, l, objective)
	items, texts := math.Log(3), math.Log(2)*3/4 // one picture of four has no such text
	for name, want := range map[string]float64{label.ItemReport: items, label.TextReport: texts, "loss": 2*items + 0.5*texts} {
		if math.Abs(reports[name]-want) > 1e-5 {
			t.Errorf("%s is %g, want %g", name, reports[name], want)
		}
	}
}

// TestGradient compares the gradient with a difference of losses along it, from
// heads that know something.
func TestGradient(t *testing.T) {
	for name, centre := range map[string]bool{"as they are": false, "centred": true} {
		t.Run(name, func(t *testing.T) {
			compareGradient(t, label.Config{Items: 2, Texts: 0.5, Shared: 2, Scale: 16, Smoothing: 0.05, Centre: centre})
		})
	}
}

func compareGradient(t *testing.T, config label.Config) {
	t.Helper()
	l, objective := newLearner(t, config)
	for i, parameter := range l.State.Parameters {
		if strings.HasPrefix(parameter.Name, "label.") {
			for j := range l.State.Weight(i) {
				l.State.Weight(i)[j] = float32(math.Cos(float64(j))) / 4
			}
		}
	}
	learnertest.CompareAlong(t, l, func() float64 { return step(t, l, objective)["loss"] })
}

// TestLearns descends along the gradient until the pictures are told apart.
func TestLearns(t *testing.T) {
	l, objective := newLearner(t, label.Config{Items: 1, Texts: 1, Shared: 2, Scale: 16})
	var reports map[string]float64
	for range 60 {
		reports = step(t, l, objective)
		for i, gradient := range l.State.Gradients {
			l.State.Weights[i] -= 0.02 * gradient
		}
	}
	if reports[label.AccuracyReport] != 1 || reports[label.ItemReport] > 0.7 {
		t.Errorf("after 60 steps: %v", reports)
	}
}

// TestCentre: vectors that have much in common are told apart no better than by
// it, unless it is taken off.
func TestCentre(t *testing.T) {
	fall := func(centre bool) float64 {
		l, objective := newLearner(t, label.Config{Items: 1, Shared: 2, Scale: 16, Centre: centre})
		reports := map[string]float64{}
		for range 10 {
			reports = step(t, l, objective)
			for i, gradient := range l.State.Gradients {
				l.State.Weights[i] -= 0.005 * gradient
			}
		}
		return math.Log(3) - reports[label.ItemReport]
	}
	if usual, centred := fall(false), fall(true); !(centred > usual) {
		t.Errorf("the loss falls by %g centred, and by %g as it is", centred, usual)
	}
}

func TestConfigCheck(t *testing.T) {
	good := label.Default()
	if err := good.Check(); err != nil || good.On() {
		t.Errorf("the default: %v, on %v", err, good.On())
	}
	for want, change := range map[string]func(*label.Config){
		"items -1":    func(c *label.Config) { c.Items = -1 },
		"names 2000":  func(c *label.Config) { c.Names = 2000 },
		"texts NaN":   func(c *label.Config) { c.Texts = math.NaN() },
		"shared 1":    func(c *label.Config) { c.Shared = 1 },
		"smoothing 1": func(c *label.Config) { c.Smoothing = 1 },
		"scale 0":     func(c *label.Config) { c.Scale = 0 },
		"alone":       func(c *label.Config) { c.Alone = true },
	} {
		bad := label.Default()
		change(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
