package autodiff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// tiny has every width of its own, and heads of several numbers.
const tiny = `{"model_type": %q,
	"text_config": {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
		"vocab_size": 7, "max_position_embeddings": 5, "projection_size": 6, "hidden_act": "gelu", "layer_norm_eps": 1e-3},
	"vision_config": {"hidden_size": 6, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 3,
		"image_size": 4, "patch_size": 2, "num_patches": 4, "layer_norm_eps": 1e-3}}`

// items are the texts or pictures of a tower's batch.
const items = 2

// tower is a tower whose weights are inputs of its graph.
type tower struct {
	random *rand.Rand
	values []*graph.Value // the weights and whatever else is differentiated
	given  map[string]ort.Tensor
}

// Parameter declares a weight; scales of norms are about one, the others about
// zero.
func (w *tower) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	for _, value := range w.values {
		if value.Name == name {
			return value
		}
	}
	centre := float32(0)
	if strings.Contains(name, "norm") && strings.HasSuffix(name, ".weight") {
		centre = 1
	}
	value := g.Input(name, graph.Float32, shape...)
	w.give(value, centre, shape)
	return value
}

// give draws what an input of the graph is given.
func (w *tower) give(value *graph.Value, centre float32, shape graph.Shape) {
	count, _ := shape.Elements()
	w.given[value.Name] = ort.Floats(uniform(w.random, count, centre-.5, centre+.5), shape...)
	w.values = append(w.values, value)
}

// inputs are in the order of the graph.
func (w *tower) inputs(g *graph.Graph) []ort.Tensor {
	var list []ort.Tensor
	for _, input := range g.Inputs {
		list = append(list, w.given[input.Name])
	}
	return list
}

func (w *tower) text(g *graph.Graph, config siglip2.Config, options siglip2.Options) *graph.Value {
	ids := g.IntsOf(graph.Shape{items, config.Text.Length}, 3, 1, 3, 0, 0, 6, 5, 1, 1, 0)
	return siglip2.Text(config, w, options, ids)
}

func (w *tower) vision(g *graph.Graph, config siglip2.Config, options siglip2.Options) *graph.Value {
	picture := siglip2.VisionInputs(g, config)
	if config.NaFlex() { // six patches of one picture
		w.give(picture.Pixels, 0, picture.Pixels.Shape.Concrete(6))
		w.give(picture.Positions, 0, picture.Positions.Shape.Concrete(6))
	} else {
		w.give(picture.Pixels, 0, picture.Pixels.Shape.Concrete(items))
	}
	return siglip2.Vision(config, w, options, picture)
}

// padded is two pictures, one of which has two patches and one of padding.
func (w *tower) padded(g *graph.Graph, config siglip2.Config, options siglip2.Options) *graph.Value {
	const patches = 3
	picture := siglip2.Picture{
		Pixels:    g.Input("pixels", graph.Float32, items*patches, config.Vision.PatchValues()),
		Positions: g.Input("positions", graph.Float32, items*patches, config.Vision.Positions),
		Mask:      g.Floats(graph.Shape{items, patches}, 1, 1, 1, 1, 1, 0),
	}
	w.give(picture.Pixels, 0, picture.Pixels.Shape)
	w.give(picture.Positions, 0, picture.Positions.Shape)
	return siglip2.Vision(config, w, options, picture)
}

// TestTowers compares the gradients of both towers with respect to every weight
// and to the picture with finite differences, each along a random direction.
func TestTowers(t *testing.T) {
	type compose = func(*tower, *graph.Graph, siglip2.Config, siglip2.Options) *graph.Value
	for _, test := range []struct {
		name, kind string
		compose    compose
	}{
		{"text", siglip2.TypeFixed, (*tower).text},
		{"vision", siglip2.TypeFixed, (*tower).vision},
		{"NaFlex", siglip2.TypeNaFlex, (*tower).vision},
		{"NaFlex padded", siglip2.TypeNaFlex, (*tower).padded},
	} {
		config, err := siglip2.ParseConfig(fmt.Appendf(nil, tiny, test.kind))
		if err != nil {
			t.Fatal(err)
		}
		for _, portable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s portable %t", test.name, portable), func(t *testing.T) {
				checkTower(t, func(w *tower, g *graph.Graph) *graph.Value {
					return test.compose(w, g, config, siglip2.Options{Portable: portable})
				})
			})
		}
	}
}

func checkTower(t *testing.T, compose func(*tower, *graph.Graph) *graph.Value) {
	w := &tower{random: source(11), given: map[string]ort.Tensor{}}
	built := build(t, func(g *graph.Graph) {
		units := compose(w, g)
		values := w.values
		seed := g.Input("seed", graph.Float32, units.Shape...)
		w.give(seed, 0, units.Shape.Concrete(items))
		g.Output("units", units)
		for _, gradient := range Pullback([]*graph.Value{units}, []*graph.Value{seed}, values, Options{}) {
			g.Output("d"+fmt.Sprint(len(g.Outputs)), gradient)
		}
		w.values = values
	})
	session := load(t, built)
	gradients := run(t, session, w.inputs(built))[1:]
	for i, value := range w.values {
		direction := uniform(w.random, int64(len(gradients[i].Floats)), -1, 1)
		got, want := weighted(gradients[i].Floats, direction), w.slope(t, session, built, value.Name, direction)
		// Some weights change nothing, such as the bias of keys.
		if !(math.Abs(got-want) <= 1e-3*math.Abs(want)+1e-5) {
			t.Errorf("along a direction in %v the gradient is %v, the difference %v", value, got, want)
		}
	}
}

// slope is the finite difference of the sum of seed * unit along a direction of
// one input, of fourth order.
func (w *tower) slope(t *testing.T, session *ort.Session, g *graph.Graph, name string, direction []float32) float64 {
	const step = 1.0 / 64
	original := w.given[name]
	defer func() { w.given[name] = original }()
	at := func(steps float32) float64 {
		moved := make([]float32, len(direction))
		for i, value := range original.Floats {
			moved[i] = value + steps*step*direction[i]
		}
		w.given[name] = ort.Floats(moved, original.Shape...)
		return weighted(run(t, session, w.inputs(g))[0].Floats, w.given["seed"].Floats)
	}
	return (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * step)
}
