package trainer

import (
	"context"
	"fmt"
	"strings"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/autodiff"
)

// Names of the inputs and outputs of a step beside the parameters.
const (
	targetsInput = "targets"    // float32 [T, B]: how well text t describes picture b, 0 to 1
	lossOutput   = "loss"       // float32 [1]
	orderOutput  = "order"      // float32 [1], see inOrder
	gradientOf   = "gradient: " // prefix of the gradient of a parameter
	zerosFor     = "zeros: "    // prefix of the zeros that the gradient of a table is added to
)

// Plan says what a step computes.
type Plan struct {
	Texts, Pictures int64                  // T and B, how many a step takes
	Trained         func(name string) bool // which parameters of the checkpoint are trained
	LoRA            LoRA
	Recompute       bool // keep only what enters each block; less memory, a third more work
	Portable        bool // standard ONNX operators alone
}

// Batch is what one step looks at.
type Batch struct {
	Texts   []int64   // [T, L]
	Pixels  []float32 // [B, 3, R, R]
	Targets []float32 // [T, B]
}

// Step computes a loss and the gradients of the trained parameters.
type Step struct {
	State   *State
	session *ort.Session
	inputs  []ort.Port // the parameters' ports come first
	plan    Plan
}

// composeStep builds the graph of a step and lists the parameters that it trains.
func composeStep(config siglip2.Config, index *safetensors.Index, plan Plan) (*graph.Graph, []Parameter, error) {
	var trained []Parameter
	g, err := graph.Build("siglip2_step", func(g *graph.Graph) {
		p := newParameters(g, siglip2.Stored(index), plan.Trained, plan.LoRA)
		loss := composeLoss(g, config, p, plan)
		values := make([]*graph.Value, len(p.names))
		for i, name := range p.names {
			values[i] = p.inputs[name]
			trained = append(trained, Parameter{Name: name, Shape: values[i].Shape})
		}
		gradients := autodiff.Gradients(loss, values, autodiff.Options{
			Into: tables(g, values), Boundaries: boundaries(g, config, plan),
		})
		g.Output(orderOutput, inOrder(gradients))
		g.Output(lossOutput, loss)
		for i, gradient := range gradients {
			g.Output(gradientOf+p.names[i], gradient)
		}
	})
	return g, trained, err
}

// tables declares, for parameters whose rows are looked up, an input of zeros
// that the gradient is added to in place: a large table's own zeros would take
// as much memory once more.
func tables(g *graph.Graph, values []*graph.Value) []*graph.Value {
	into := make([]*graph.Value, len(values))
	for i, value := range values {
		if isTable(value.Name) {
			into[i] = g.Input(zerosFor+value.Name, graph.Float32, value.Shape...)
		}
	}
	return into
}

func isTable(name string) bool { return strings.HasSuffix(name, ".token_embedding.weight") }

// composeLoss composes both towers and the sigmoid loss of their unit vectors.
func composeLoss(g *graph.Graph, config siglip2.Config, p *parameters, plan Plan) *graph.Value {
	ids := g.Input(siglip2.TextInput, graph.Int64, plan.Texts, config.Text.Length)
	side := int64(config.Vision.Image)
	pixels := g.Input(siglip2.VisionInput, graph.Float32, plan.Pictures, config.Vision.Channels, side, side)
	targets := g.Input(targetsInput, graph.Float32, plan.Texts, plan.Pictures)
	options := siglip2.Options{Portable: plan.Portable, Prefix: "vision."}
	pictures := siglip2.Vision(config, p, options, siglip2.Picture{Pixels: pixels})
	options.Prefix = "text."
	texts := siglip2.Text(config, p, options, ids)
	scale := graph.Exp(graph.Cast(p.Parameter(g, logitScale, 1), graph.Float32))
	bias := graph.Cast(p.Parameter(g, logitBias, 1), graph.Float32)
	logits := graph.Add(graph.Mul(graph.Gemm(texts, pictures, false, true), scale), bias)
	sum := graph.ReduceSum(graph.Sub(graph.Softplus(logits), graph.Mul(logits, targets)), true)
	return graph.Div(graph.Reshape(sum, 1), g.Floats(graph.Shape{1}, float32(plan.Pictures)))
}

// boundaries are the values that recomputation starts from.
func boundaries(g *graph.Graph, config siglip2.Config, plan Plan) []*graph.Value {
	if !plan.Recompute {
		return nil
	}
	var list []*graph.Value
	for _, tower := range []struct {
		prefix string
		layers int64
	}{{"vision.", config.Vision.Layers}, {"text.", config.Text.Layers}} {
		for layer := range tower.layers {
			value, _ := g.Marked(fmt.Sprintf("%slayers.%d", tower.prefix, layer))
			list = append(list, value)
		}
	}
	return list
}

// inOrder makes the runtime compute gradients from the last parameter to the
// first, as they come. Left alone it walks back from the first one and comes to
// the others when it is done, with everything still in memory that they are
// computed from: it runs nodes in the order of a depth-first search from the
// output, which takes the operand first whose node was added last. The sums
// below are added after all that they are made of, each after the one before.
func inOrder(gradients []*graph.Value) *graph.Value {
	tokens := make([]*graph.Value, len(gradients))
	for i, gradient := range gradients {
		for axis := range gradient.Shape {
			gradient = graph.Slice(gradient, axis, 0, 1)
		}
		tokens[i] = graph.Reshape(gradient, 1)
	}
	sum := tokens[len(tokens)-1]
	for i := len(tokens) - 2; i >= 0; i-- {
		sum = graph.Add(sum, tokens[i])
	}
	return sum
}

// NewStep opens a step of the model in index.
func NewStep(environment *ort.Environment, config siglip2.Config, index *safetensors.Index, plan Plan, options ort.Options) (*Step, error) {
	g, parameters, err := composeStep(config, index, plan)
	if err != nil {
		return nil, err
	}
	options.Literal = true
	model := ort.Model{Graph: g.Encode(), Folder: index.Dir, Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}
	session, err := environment.NewSession(model, options)
	if err != nil {
		return nil, err
	}
	step := &Step{State: newState(parameters), session: session, inputs: model.Inputs, plan: plan}
	return step, step.load(index)
}

func ports(values []*graph.Value) []ort.Port {
	list := make([]ort.Port, len(values))
	for i, value := range values {
		list[i] = ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)}
	}
	return list
}

// load reads the parameters that the checkpoint has.
func (s *Step) load(index *safetensors.Index) error {
	for i, parameter := range s.State.Parameters {
		if _, ok := index.Tensor(parameter.Name); !ok {
			continue
		}
		values, err := index.Floats(parameter.Name)
		if err != nil {
			return err
		}
		copy(s.State.Weight(i), values)
	}
	return nil
}

// Run computes the loss of a batch and writes the gradients of all parameters
// into the state.
func (s *Step) Run(ctx context.Context, batch Batch) (float64, error) {
	loss, order := make([]float32, 1), make([]float32, 1)
	outputs := []ort.Tensor{ort.Floats(order, 1), ort.Floats(loss, 1)}
	for i, parameter := range s.State.Parameters {
		if isTable(parameter.Name) {
			clear(s.State.Gradient(i))
		}
		outputs = append(outputs, ort.Floats(s.State.Gradient(i), parameter.Shape...))
	}
	err := s.session.RunInto(ctx, s.tensors(batch), outputs)
	return float64(loss[0]), err
}

// tensors are the inputs of a step in the order of its ports.
func (s *Step) tensors(batch Batch) []ort.Tensor {
	weights := map[string]ort.Tensor{}
	for i, parameter := range s.State.Parameters {
		weights[parameter.Name] = ort.Floats(s.State.Weight(i), parameter.Shape...)
		weights[zerosFor+parameter.Name] = ort.Floats(s.State.Gradient(i), parameter.Shape...)
	}
	tensors := make([]ort.Tensor, len(s.inputs))
	for i, port := range s.inputs {
		switch port.Name {
		case siglip2.TextInput:
			tensors[i] = ort.Ints(batch.Texts, port.Shape...)
		case siglip2.VisionInput:
			tensors[i] = ort.Floats(batch.Pixels, port.Shape...)
		case targetsInput:
			tensors[i] = ort.Floats(batch.Targets, port.Shape...)
		default:
			tensors[i] = weights[port.Name]
		}
	}
	return tensors
}

// Close frees the step's session.
func (s *Step) Close() error { return s.session.Close() }
