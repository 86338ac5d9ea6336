package caption

import (
	"math"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
	"polylens/trainer/autodiff"
)

// Tokens of a picture in small, and pictures of a batch.
const (
	smallTokens   = 5
	smallPictures = 2
)

// small is the decoder of testdata/write_golden.py.
func small() *Decoder {
	return &Decoder{
		config: Config{Weight: 0.75, Boxes: true, Part: 8},
		tower:  siglip2.Tower{Width: 12, MLP: 14, Layers: 2, Heads: 3, Activation: siglip2.GeluTanh, Epsilon: 1e-3},
		seen:   10, vocabulary: 17, length: 7,
	}
}

// differentiated is the graph of a decoder's loss and of its gradient with
// respect to everything.
type differentiated struct {
	session *ort.Session
	inputs  []*graph.Value
	wanted  []string // of the gradients: the outputs behind the loss
}

// differentiate composes a decoder and opens it. Parameters and the tokens of
// the pictures are inputs.
func differentiate(t *testing.T, d *Decoder, pictures, tokens int64, portable bool) *differentiated {
	t.Helper()
	var result differentiated
	g, err := graph.Build(t.Name(), func(g *graph.Graph) {
		var values []*graph.Value
		declare := func(name string, _ start, shape ...int64) *graph.Value {
			value := g.Input(name, graph.Float32, shape...)
			values, result.wanted = append(values, value), append(result.wanted, name)
			return value
		}
		s := &stack{Decoder: d, graph: g, portable: portable, pictures: pictures, parameter: declare}
		l := s.compose(declare(tokensInput, nil, pictures*tokens, d.seen))
		g.Output("loss", l.loss)
		for i, gradient := range autodiff.Pullback(l.values, l.derivatives, values, autodiff.Options{}) {
			g.Output("gradient: "+values[i].Name, gradient)
		}
		result.inputs = g.Inputs
	})
	if err != nil {
		t.Fatal(err)
	}
	model := ort.Model{Graph: g.Encode(), Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}
	result.session, err = environment(t).NewSession(model, ort.Options{Threads: 1, Literal: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { result.session.Close() })
	return &result
}

// run gives the loss and the gradients.
func (d *differentiated) run(t *testing.T, given map[string]ort.Tensor) (loss float64, gradients map[string][]float32) {
	t.Helper()
	tensors := make([]ort.Tensor, len(d.inputs))
	for i, input := range d.inputs {
		tensors[i] = given[input.Name]
	}
	results, err := d.session.Run(t.Context(), tensors...)
	if err != nil {
		t.Fatal(err)
	}
	gradients = map[string][]float32{}
	for i, name := range d.wanted {
		gradients[name] = results[1+i].Floats
	}
	return float64(results[0].Floats[0]), gradients
}

// length is the Euclidean norm.
func length(values []float32) float64 {
	sum := 0.0
	for _, value := range values {
		sum += float64(value) * float64(value)
	}
	return math.Sqrt(sum)
}

// distance is the length of a difference.
func distance(a, b []float32) float64 {
	difference := make([]float32, len(a))
	for i := range a {
		difference[i] = a[i] - b[i]
	}
	return length(difference)
}

func environment(t *testing.T) *ort.Environment {
	t.Helper()
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	return environment
}

// spelling is a tokenizer whose tokens are letters, digits, colons and spaces;
// token 0 is padding, 1 the end.
type spelling struct{}

const letters = " :0123456789abcdefghijklmnopqrstuvwxyz"

func (spelling) Encode(text string, length int) []int64 {
	ids := make([]int64, 0, length)
	for _, r := range strings.ToLower(text) {
		if len(ids) < length-1 {
			ids = append(ids, 2+int64(strings.IndexRune(letters, r)))
		}
	}
	ids = append(ids, 1)
	for len(ids) < length {
		ids = append(ids, 0)
	}
	return ids
}

// spell turns tokens of spelling into text; padding becomes "_", the end "|",
// and what is no token "?".
func spell(ids []int64) string {
	signs := "_|" + letters
	spelled := make([]byte, len(ids))
	for i, id := range ids {
		spelled[i] = '?'
		if int(id) < len(signs) {
			spelled[i] = signs[id]
		}
	}
	return string(spelled)
}
