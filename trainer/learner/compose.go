package learner

import (
	"fmt"
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
	"polylens/trainer/autodiff"
)

// Names of the inputs and outputs of a step beside the parameters.
const (
	textEntry    = "texts"        // what enters the trained part of the text tower
	pictureEntry = "pictures"     // likewise of the vision tower
	targetsInput = "targets"      // float32 [T, B]: how well text t describes picture b, 0 to 1
	lossOutput   = "loss"         // float32 [1]
	orderOutput  = "order"        // float32 [1], see inOrder
	gradientOf   = "gradient: "   // prefix of the gradient of a parameter
	sumFor       = "sum: "        // prefix of what the gradient of a parameter is added to
	derivativeOf = "derivative: " // prefix of the derivative of vectors, see Plan.Parts
)

// Plan says what a step computes.
type Plan struct {
	Texts, Pictures int64 // T and B, how many a step takes
	Mode            Mode
	LoRA            LoRA
	// Recompute keeps what enters each block and computes the rest once more
	// for the gradients: less memory, a third more work.
	Recompute bool
	// Keep says how much of pictures and texts a step looks at.
	Keep Keep
	// Alone leaves the sigmoid loss out, and texts with it: the objectives are all.
	Alone bool
	// Accumulate adds gradients to those that the memory holds already.
	Accumulate bool
	// Parts, if there are any, are so many batches whose texts are compared with
	// the pictures of all of them by Learner.StepAcross, which implies Accumulate.
	Parts int64
	// Portable uses standard ONNX operators alone.
	Portable bool
	// Objectives are added to the sigmoid loss.
	Objectives []Objective
	// Late are objectives that take part from Learner.StartLate on. Their
	// parameters exist from the start, and cost no step before.
	Late []Objective
}

// whole is the plan with its late objectives.
func (p Plan) whole() Plan {
	p.Objectives, p.Late = slices.Concat(p.Objectives, p.Late), nil
	return p
}

// Objective is a loss beside the sigmoid loss.
type Objective interface {
	// Compose adds the objective to the graph of a step and returns it, a
	// float32 of shape [1]. It is added to the loss as it is. It is nil where
	// Composition.Derived has been given all of it.
	Compose(c *Composition) *graph.Value
}

// Composition is a step that is being composed.
type Composition struct {
	Graph           *graph.Graph
	Config          siglip2.Config
	Plan            Plan
	Texts, Pictures *graph.Value // unit vectors [T, D] and [B, D]

	parameters *parameters
	teacher    *averages // nil: nobody asked for one
	further    []tower
	reports    []string

	losses               []*graph.Value // that Derived was given
	derived, derivatives []*graph.Value // and their derivatives
}

// Trained declares a parameter that the checkpoint does not have, to be filled
// at first by start.
func (c *Composition) Trained(name string, start func(values []float32, random Random), shape ...int64) *graph.Value {
	return c.parameters.fresh(name, start, shape)
}

// Frozen gives a weight of the checkpoint as it was before training.
func (c *Composition) Frozen() siglip2.Parameters { return c.parameters.Parameters }

// Parameters gives the weights that the towers use, trained ones among them.
func (c *Composition) Parameters() siglip2.Parameters { return c.parameters }

// Derived adds a loss, a float32 of shape [1], that the objective has differentiated
// itself: derivatives[i] is its derivative with respect to values[i], and the rest
// follows from these. It is for losses that would otherwise have to keep too much.
func (c *Composition) Derived(loss *graph.Value, values, derivatives []*graph.Value) {
	c.losses = append(c.losses, loss)
	c.derived, c.derivatives = append(c.derived, values...), append(c.derivatives, derivatives...)
}

// Report makes a value of shape [1] a result of each step under the given name.
func (c *Composition) Report(name string, value *graph.Value) {
	c.Graph.Output(name, value)
	c.reports = append(c.reports, name)
}

// step is a composed step.
type step struct {
	graph   *graph.Graph
	trained []Parameter
	reports []string // outputs beside the gradients
	teacher *averages
}

// compose builds the graph of a step.
func compose(config siglip2.Config, frozen siglip2.Parameters, plan Plan) (step, error) {
	var s step
	g, err := graph.Build("siglip2_step", func(g *graph.Graph) {
		c := &Composition{Graph: g, Config: config, Plan: plan, parameters: newParameters(g, frozen, plan)}
		if loss := c.loss(); loss != nil {
			c.Derived(loss, []*graph.Value{loss}, []*graph.Value{g.Floats(graph.Shape{1}, 1)})
		}
		p := c.parameters
		gradients := autodiff.Pullback(c.derived, c.derivatives, p.inputs, autodiff.Options{Into: c.sums(), Boundaries: c.boundaries(), Customs: p.layers})
		c.Report(orderOutput, inOrder(gradients))
		if len(c.losses) > 0 {
			c.Report(lossOutput, addUp(c.losses))
		}
		for i, gradient := range gradients {
			g.Output(gradientOf+p.trained[i].Name, gradient)
		}
		if c.teacher != nil {
			c.teacher.output(g, plan.Accumulate)
		}
		s.trained, s.reports, s.teacher = p.trained, c.reports, c.teacher
	})
	s.graph = g
	return s, err
}

// sums declares an input for each parameter whose gradient is added to what
// the memory holds: of all where the plan asks for it, and in any case of a
// table whose rows are looked up, because zeros to add to would take as much
// memory as the table.
func (c *Composition) sums() []*graph.Value {
	into := make([]*graph.Value, len(c.parameters.inputs))
	for i, value := range c.parameters.inputs {
		if c.Plan.Accumulate || isTable(value.Name) {
			into[i] = c.Graph.Input(sumFor+value.Name, graph.Float32, value.Shape...)
		}
	}
	return into
}

// loss composes both towers, the sigmoid loss of their vectors and the
// objectives beside it. It is nil where all of it is derived already.
func (c *Composition) loss() *graph.Value {
	c.Pictures = c.pictures()
	if !c.Plan.Alone {
		c.Texts = c.texts()
	}
	var losses []*graph.Value
	switch {
	case c.Plan.Parts > 0:
		c.receive()
	case !c.Plan.Alone:
		losses = append(losses, c.sigmoid())
	}
	for _, objective := range c.Plan.Objectives {
		if loss := objective.Compose(c); loss != nil {
			losses = append(losses, loss)
		}
	}
	if len(losses) == 0 {
		return nil
	}
	return addUp(losses)
}

func addUp(values []*graph.Value) *graph.Value {
	total := values[0]
	for _, value := range values[1:] {
		total = graph.Add(total, value)
	}
	return total
}

func (c *Composition) pictures() *graph.Value {
	if c.Config.NaFlex() {
		return c.patches()
	}
	options := siglip2.Options{Portable: c.Plan.Portable, Prefix: "vision.", Revise: c.dropPatches()}
	shape := visionShape(c.Config, c.Plan)
	entry := c.Graph.Input(pictureEntry, graph.Float32, shape...)
	switch block := c.Plan.Mode.start(c.Plan.LoRA, "vision"); block {
	case nothing:
		return entry
	case everything:
		return siglip2.Vision(c.Config, c.parameters, options, siglip2.Picture{Pixels: entry})
	default:
		return siglip2.VisionFrom(c.Config, c.parameters, options, entry, c.Plan.Pictures, block)
	}
}

func (c *Composition) texts() *graph.Value {
	options := siglip2.Options{Portable: c.Plan.Portable, Prefix: "text.", Kept: c.keptTokens()}
	block := c.Plan.Mode.start(c.Plan.LoRA, "text")
	dtype := graph.Float32
	if block == everything {
		dtype = graph.Int64
	}
	entry := c.Graph.Input(textEntry, dtype, textShape(c.Config, c.Plan)...)
	switch block {
	case nothing:
		return entry
	case everything:
		return siglip2.Text(c.Config, c.parameters, options, entry)
	case headOnly:
		return siglip2.TextHead(c.Config, c.parameters, options, entry)
	default:
		return siglip2.TextFrom(c.Config, c.parameters, options, entry, c.Plan.Texts, block)
	}
}

// sigmoid is the sigmoid loss (Zhai et al. 2023, arXiv 2303.15343, algorithm 1)
// with a target y between 0 and 1 for every pair instead of 0 or 1:
// -y log sigmoid(z) - (1-y) log sigmoid(-z) = softplus(z) - y z, summed over
// all pairs and divided by the number of pictures.
func (c *Composition) sigmoid() *graph.Value {
	targets := c.Graph.Input(targetsInput, graph.Float32, c.Plan.Texts, c.Plan.Pictures)
	scale, bias := c.temperature()
	return sigmoid(c.Texts, c.Pictures, targets, scale, bias, c.Plan.Pictures)
}

// temperature gives the two parameters of the loss.
func (c *Composition) temperature() (scale, bias *graph.Value) {
	scale = c.parameters.Parameter(c.Graph, logitScale, 1)
	bias = c.parameters.Parameter(c.Graph, logitBias, 1)
	return graph.Cast(scale, graph.Float32), graph.Cast(bias, graph.Float32)
}

// sigmoid is the loss divided by so many pictures. scale is the logarithm.
func sigmoid(texts, pictures, targets, scale, bias *graph.Value, divisor int64) *graph.Value {
	logits := graph.Add(graph.Mul(graph.Gemm(texts, pictures, false, true), graph.Exp(scale)), bias)
	sum := graph.ReduceSum(graph.Sub(graph.Softplus(logits), graph.Mul(logits, targets)), true)
	return graph.Div(graph.Reshape(sum, 1), texts.Graph().Floats(graph.Shape{1}, float32(divisor)))
}

// tower is one whose intermediates have a prefix.
type tower struct {
	prefix string
	layers int64
}

// Further announces a tower that an objective has composed, whose intermediates have
// the prefix: where the plan recomputes, what the tower's blocks compute is not kept
// either.
func (c *Composition) Further(prefix string, layers int64) {
	c.further = append(c.further, tower{prefix, layers})
}

// boundaries are the values that recomputation starts from: what enters a
// block. The last block of a tower is not computed again, because its gradients
// come right after it.
func (c *Composition) boundaries() []*graph.Value {
	if !c.Plan.Recompute {
		return nil
	}
	var list []*graph.Value
	towers := []tower{{"vision.", c.Config.Vision.Layers}, {"text.", c.Config.Text.Layers}}
	for _, tower := range append(towers, c.further...) {
		names := []string{tower.prefix + "embeddings"}
		for layer := range tower.layers - 1 {
			names = append(names, fmt.Sprintf("%slayers.%d", tower.prefix, layer))
		}
		for _, name := range names {
			if value, ok := c.Graph.Marked(name); ok {
				list = append(list, value)
			}
		}
	}
	return list
}

// inOrder makes the runtime compute gradients from the last parameter to the first,
// as they come. Left alone, it walks back from the first one and reaches the others
// only when it is done, with everything that they are computed from still in memory:
// it runs nodes in the order of a depth-first search from the output, which takes
// first the operand whose node was added last. The sums below are added after all
// that they are made of, each after the one before.
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
