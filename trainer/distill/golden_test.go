package distill

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"polylens/trainer/learner"
)

// plans compute the same.
var plans = map[string]func(*learner.Plan){
	"kept":       nil,
	"recomputed": func(p *learner.Plan) { p.Recompute = true },
	"portable":   func(p *learner.Plan) { p.Portable = true },
}

// TestAgainstPyTorch compares losses, the gradient of every parameter and what
// centres follow with those of PyTorch.
func TestAgainstPyTorch(t *testing.T) {
	const tolerance = 1e-4
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			file := openGolden(t)
			l := file.open(t, plan)
			averages := slices.Clone(l.Teacher.Values)
			reports, err := l.Step(t.Context(), file.batch(t))
			if err != nil {
				t.Fatal(err)
			}
			for report, golden := range map[string]string{
				"loss": "loss", ViewReport: "loss: view", PatchReport: "loss: patch", TeacherReport: "entropy",
			} {
				if want := float64(file.floats(t, golden).Floats[0]); !(math.Abs(reports[report]-want) <= tolerance*want) {
					t.Errorf("%s is %v, PyTorch has %v", report, reports[report], want)
				}
			}
			worst, largest := 0.0, 0.0
			for i := range l.State.Parameters {
				largest = max(largest, length(l.State.Gradient(i)))
			}
			for i, parameter := range l.State.Parameters {
				want := file.floats(t, "gradient: "+parameter.Name).Floats
				// Biases of keys have a gradient of zero but for rounding.
				off := distance(l.State.Gradient(i), want) / max(length(want), 1e-3*largest)
				worst = max(worst, off)
				if !(off <= tolerance) {
					t.Errorf("the gradient of %s is off by %v of its length %v", parameter.Name, off, length(want))
				}
			}
			if !slices.Equal(l.Teacher.Values, averages) {
				t.Error("a step changes the teacher")
			}
			t.Logf("%d gradients, worst %.1e of its length", len(l.State.Parameters), worst)
		})
	}
}

// TestCentresFollow: a centre moves by the mean of what the teacher said of the
// pictures of all parts of a step.
func TestCentresFollow(t *testing.T) {
	file := openGolden(t)
	for _, parts := range []int{1, 3} {
		l := file.open(t, func(p *learner.Plan) { p.Accumulate = parts > 1 })
		for range parts {
			if _, err := l.Step(t.Context(), file.batch(t)); err != nil {
				t.Fatal(err)
			}
		}
		before := slices.Clone(l.Teacher.Values)
		if err := l.Follow(t.Context(), learner.Momentum{Weights: 1, Observed: 0.75}, parts); err != nil {
			t.Fatal(err)
		}
		for i, parameter := range l.Teacher.Parameters {
			was := parameter.In(before)
			want := slices.Clone(was)
			if _, centre := file.index.Tensor("observed: " + parameter.Name); centre {
				for j, observed := range file.floats(t, "observed: "+parameter.Name).Floats {
					want[j] = 0.75*was[j] + 0.25*observed
				}
			}
			if off := distance(l.Teacher.Average(i), want); !(off < 1e-6) {
				t.Errorf("%d parts: %s is off by %v", parts, parameter.Name, off)
			}
		}
	}
}

// TestDifferences compares gradients with finite differences of fourth order,
// the teacher held still, along a random direction in each parameter.
func TestDifferences(t *testing.T) {
	const step = 1.0 / 128
	file := openGolden(t)
	l, batch := file.open(t, nil), file.batch(t)
	if _, err := l.Step(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	gradients := slices.Clone(l.State.Gradients)
	random := rand.New(rand.NewPCG(1, 2))
	for i, parameter := range l.State.Parameters {
		weights := slices.Clone(l.State.Weight(i))
		direction, want := make([]float32, len(weights)), 0.0
		for j, d := range parameter.In(gradients) {
			direction[j] = 2*random.Float32() - 1
			want += float64(direction[j]) * float64(d)
		}
		at := func(steps float32) float64 {
			for j := range weights {
				l.State.Weight(i)[j] = weights[j] + steps*step*direction[j]
			}
			reports, err := l.Step(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			return reports["loss"]
		}
		slope := (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * step)
		copy(l.State.Weight(i), weights)
		if !(math.Abs(slope-want) <= 5e-3*math.Abs(want)+2e-4) {
			t.Errorf("along a direction in %s the gradient is %v, the difference %v", parameter.Name, want, slope)
		}
	}
}
