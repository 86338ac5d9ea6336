package learner

import (
	"context"
	"fmt"
	"maps"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// encoder computes unit vectors with the weights as they are now. It is opened
// by the first that wants any.
type encoder struct {
	opening
	entry   string // name of the input that items enter by
	compose func(*Composition) *graph.Value
	asStep  bool         // looks at as many items as a step, and at what it keeps of them
	session *ort.Session // nil before
	ports   []ort.Port
}

// open opens the trained part of the tower for any number of items.
func (e *encoder) open() error {
	if e.session != nil {
		return nil
	}
	plan := e.plan
	if !e.asStep {
		plan = plan.open(e.config)
	}
	g, err := graph.Build("learner_"+e.entry, func(g *graph.Graph) {
		c := &Composition{Graph: g, Config: e.config, Plan: plan, parameters: newParameters(g, e.frozen(), plan)}
		g.Output(siglip2.EmbeddingOutput, e.compose(c))
	})
	if err != nil {
		return err
	}
	e.ports = ports(g.Inputs)
	e.session, err = e.environment.NewSession(e.model(g), e.options)
	return err
}

// EncodeTexts computes unit vectors [n, D] for token ids [n, L] with the
// weights as they are now.
func (l *Learner) EncodeTexts(ctx context.Context, ids ort.Tensor) (ort.Tensor, error) {
	entry, err := l.EnterTexts(ctx, ids)
	if err != nil {
		return ort.Tensor{}, err
	}
	return l.encode(ctx, &l.textEncoder, map[string]ort.Tensor{textEntry: entry})
}

// EncodePictures computes unit vectors [n, D] for pixels [n, 3, R, R],
// likewise.
func (l *Learner) EncodePictures(ctx context.Context, pixels ort.Tensor) (ort.Tensor, error) {
	entry, err := l.EnterPictures(ctx, pixels)
	if err != nil {
		return ort.Tensor{}, err
	}
	return l.embedPictures(ctx, Batch{Pictures: entry})
}

func (l *Learner) encode(ctx context.Context, with *encoder, entries map[string]ort.Tensor) (ort.Tensor, error) {
	if err := with.open(); err != nil {
		return ort.Tensor{}, err
	}
	given := l.weights()
	maps.Copy(given, entries)
	inputs := make([]ort.Tensor, len(with.ports))
	for i, port := range with.ports {
		inputs[i] = given[port.Name]
	}
	results, err := with.session.Run(ctx, inputs...)
	if err != nil {
		return ort.Tensor{}, fmt.Errorf("encoding %s: %w", with.entry, err)
	}
	return results[0], nil
}

// weights are the inputs of the trained parameters by name.
func (l *Learner) weights() map[string]ort.Tensor {
	given := map[string]ort.Tensor{}
	for i, parameter := range l.State.Parameters {
		given[parameter.Name] = ort.Floats(l.State.Weight(i), parameter.Shape...)
	}
	return given
}
