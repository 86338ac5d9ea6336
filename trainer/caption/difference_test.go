package caption

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"polylens/encoder/ort"
)

// TestDifferences compares the gradient of every parameter, and of the pictures'
// tokens, with finite differences of fourth order, each along a random
// direction.
func TestDifferences(t *testing.T) {
	const step = 1.0 / 128
	d := differentiate(t, small(), smallPictures, smallTokens, false)
	given := openGolden(t).inputs(t, d)
	_, gradients := d.run(t, given)
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range d.wanted {
		original := given[name]
		direction := make([]float32, len(original.Floats))
		want := 0.0
		for i := range direction {
			direction[i] = 2*random.Float32() - 1
			want += float64(direction[i]) * float64(gradients[name][i])
		}
		at := func(steps float32) float64 {
			moved := slices.Clone(original.Floats)
			for i := range moved {
				moved[i] += steps * step * direction[i]
			}
			given[name] = ort.Floats(moved, original.Shape...)
			loss, _ := d.run(t, given)
			return loss
		}
		slope := (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * step)
		given[name] = original
		if !(math.Abs(slope-want) <= 2e-3*math.Abs(want)+5e-5) {
			t.Errorf("along a direction in %s the gradient is %v, the difference %v", name, want, slope)
		}
	}
}

// TestPartsDoNotMatter: the loss and all gradients are the same however the
// vocabulary is cut, the whole of it too.
func TestPartsDoNotMatter(t *testing.T) {
	whole := small()
	whole.config.Part = whole.vocabulary
	parts, one := differentiate(t, small(), smallPictures, smallTokens, false), differentiate(t, whole, smallPictures, smallTokens, false)
	given := openGolden(t).inputs(t, parts)
	given["decoder.head.0.weight"], given["decoder.head.0.bias"] = joined(given, "weight"), joined(given, "bias")
	wantLoss, want := one.run(t, given)
	given = openGolden(t).inputs(t, parts)
	loss, gradients := parts.run(t, given)
	if math.Abs(loss-wantLoss) > 1e-6 {
		t.Errorf("in parts the loss is %v, else %v", loss, wantLoss)
	}
	for name, gradient := range want {
		got := gradients[name]
		switch name {
		case "decoder.head.0.weight":
			got = slices.Concat(got, gradients["decoder.head.1.weight"], gradients["decoder.head.2.weight"])
		case "decoder.head.0.bias":
			got = slices.Concat(got, gradients["decoder.head.1.bias"], gradients["decoder.head.2.bias"])
		}
		if off := distance(got, gradient) / length(gradient); !(off < 1e-5) {
			t.Errorf("in parts the gradient of %s is off by %v of its length", name, off)
		}
	}
}

// joined are the three parts of the last layer as one.
func joined(given map[string]ort.Tensor, kind string) ort.Tensor {
	var values []float32
	for _, part := range []string{"0", "1", "2"} {
		values = append(values, given["decoder.head."+part+"."+kind].Floats...)
	}
	shape := slices.Clone(given["decoder.head.0."+kind].Shape)
	shape[0] = small().vocabulary
	return ort.Floats(values, shape...)
}
