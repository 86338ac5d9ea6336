package caption

import (
	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
	"polylens/trainer/learner"
)

// LossReport is the name under which a step reports the mean of -log p of the
// tokens to predict, without Config.Weight.
const LossReport = "caption_loss"

// Compose adds the decoder to a step. The vision tower has to be trained: a
// decoder alone teaches it nothing.
func (d *Decoder) Compose(c *learner.Composition) *graph.Value {
	tokens, ok := c.Graph.Marked("vision." + siglip2.LastHiddenState)
	if !ok || !c.Plan.Mode.ChangesPictures(c.Plan.LoRA) {
		graph.Fail("caption", "mode %q leaves the vision tower as it is, so captions would teach it nothing: train it, or leave captions out", c.Plan.Mode)
	}
	s := &stack{Decoder: d, graph: c.Graph, parameter: c.Trained, portable: c.Plan.Portable, pictures: c.Plan.Pictures}
	l := s.compose(tokens)
	c.Further(Prefix, d.tower.Layers)
	c.Derived(l.loss, l.values, l.derivatives)
	c.Report(LossReport, graph.Div(l.loss, c.Graph.Floats(graph.Shape{1}, float32(d.config.Weight))))
	return nil
}

// compose declares the inputs and gives the loss, Config.Weight included.
func (s *stack) compose(tokens *graph.Value) entropy {
	g, sequences := s.graph, s.pictures*s.sequences()
	ids := g.Input(idsInput, graph.Int64, sequences, s.length)
	causal := g.Input(causalInput, graph.Float32, sequences)
	rows := g.Input(rowsInput, graph.Int64, graph.Batch)
	targets := g.Input(targetsInput, graph.Int64, graph.Batch)
	weights := graph.Mul(g.Input(weightsInput, graph.Float32, graph.Batch), g.Floats(graph.Shape{1}, float32(s.config.Weight)))
	states := graph.Gather(s.states(tokens, ids, causal), rows)
	return crossEntropy(states, targets, weights, s.head())
}
