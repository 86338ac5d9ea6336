package optim

import (
	"context"
	"errors"
	"fmt"
	"math"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// Settings are those of AdamW. Muon takes only Clip of them.
type Settings struct {
	Beta1   float64 // decay of the first moment, 0.9
	Beta2   float64 // decay of the second moment, 0.95 for SigLIP
	Epsilon float64 // 1e-8
	// Clip is the largest norm of all gradients together; longer ones are
	// scaled down to it. 0 does not clip.
	Clip float64
}

// Memory is what an update reads and writes: flat slices of one length, in
// which a weight, its gradient and its moments have one index. The moments
// begin as zeros.
type Memory struct {
	Weights, Gradients, First, Second []float32
}

// Span is a range of the memory whose weights learn alike.
type Span struct {
	Start, End int
	Rate       float64 // learning rate
	Decay      float64 // decoupled weight decay, a factor of the learning rate
	// Columns is 0 where AdamW updates the weights. Otherwise the span is one
	// matrix, in rows of so many weights, and Muon updates it.
	Columns int
}

// Optimizer updates weights. Its methods may not be called at the same time.
type Optimizer struct {
	settings     Settings
	norm, update *ort.Session
	matrices     map[shape]*ort.Session // that Muon has updated so far

	environment *ort.Environment
	options     ort.Options
}

// New builds the sessions that update weights on a device.
func New(environment *ort.Environment, settings Settings, options ort.Options) (*Optimizer, error) {
	options.Literal = true
	norm, err := open(environment, normGraph, options)
	if err != nil {
		return nil, err
	}
	update, err := open(environment, func() (*graph.Graph, error) { return updateGraph(settings) }, options)
	if err != nil {
		return nil, err
	}
	return &Optimizer{
		settings: settings, norm: norm, update: update, matrices: map[shape]*ort.Session{}, environment: environment, options: options,
	}, nil
}

func open(environment *ort.Environment, build func() (*graph.Graph, error), options ort.Options) (*ort.Session, error) {
	g, err := build()
	if err != nil {
		return nil, err
	}
	return environment.NewSession(ort.Model{Graph: g.Encode(), Inputs: ports(g.Inputs), Outputs: ports(g.Outputs)}, options)
}

func ports(values []*graph.Value) []ort.Port {
	list := make([]ort.Port, len(values))
	for i, value := range values {
		list[i] = ort.Port{Name: value.Name, Shape: value.Shape, Type: ort.ElementType(value.DType)}
	}
	return list
}

// Close frees the sessions.
func (o *Optimizer) Close() error {
	errs := []error{o.norm.Close(), o.update.Close()}
	for _, session := range o.matrices {
		errs = append(errs, session.Close())
	}
	return errors.Join(errs...)
}

// NormError says that gradients cannot be used: one of them is no number.
type NormError struct{ Norm float64 }

func (e *NormError) Error() string {
	return fmt.Sprintf("the norm of the gradients is %v: the training diverged or its data holds no numbers; lower the learning rate", e.Norm)
}

// Norm is the length of all gradients of the spans together.
func (o *Optimizer) Norm(ctx context.Context, memory Memory, spans []Span) (float64, error) {
	total, result := 0.0, make([]float32, 1)
	err := eachChunk(spans, func(_ Span, start, end int) error {
		err := o.norm.RunInto(ctx, []ort.Tensor{part(memory.Gradients, start, end)}, []ort.Tensor{ort.Floats(result, 1)})
		total += float64(result[0])
		return err
	})
	return math.Sqrt(total), err
}

// Step updates the weights and moments of all spans, given the number of
// updates made before. scale is what the loss was multiplied by; gradients are
// divided by it. It returns the norm of the gradients before clipping. When
// that is no finite number, nothing is changed and the error is a *NormError.
func (o *Optimizer) Step(ctx context.Context, memory Memory, spans []Span, done int64, scale float64) (float64, error) {
	norm, err := o.Norm(ctx, memory, spans)
	if err != nil {
		return 0, err
	}
	norm /= scale
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, &NormError{Norm: norm}
	}
	factor := o.settings.factor(norm) / scale
	for _, span := range spans {
		if err := o.updateSpan(ctx, memory, span, done+1, factor); err != nil {
			return norm, err
		}
	}
	return norm, nil
}

// updateSpan makes the update with number t, counted from 1, of one span.
func (o *Optimizer) updateSpan(ctx context.Context, memory Memory, span Span, t int64, factor float64) error {
	if span.Columns > 0 {
		return o.orthogonal(ctx, memory, span, factor)
	}
	return eachChunk([]Span{span}, func(span Span, start, end int) error {
		return o.apply(ctx, memory, start, end, o.settings.scalars(span, t, factor))
	})
}

// factor scales gradients of the given norm down to the clipping norm, as
// torch.nn.utils.clip_grad_norm_ does.
func (s Settings) factor(norm float64) float64 {
	if s.Clip <= 0 {
		return 1
	}
	return min(1, s.Clip/(norm+1e-6))
}

// scalars are the inputs of the update with number t, counted from 1.
func (s Settings) scalars(span Span, t int64, factor float64) []ort.Tensor {
	return tensorsOf(
		factor,
		1-span.Rate*span.Decay,
		span.Rate/(1-math.Pow(s.Beta1, float64(t))),
		1/math.Sqrt(1-math.Pow(s.Beta2, float64(t))),
	)
}

func tensorsOf(values ...float64) []ort.Tensor {
	tensors := make([]ort.Tensor, len(values))
	for i, value := range values {
		tensors[i] = ort.Floats([]float32{float32(value)}, 1)
	}
	return tensors
}

func (o *Optimizer) apply(ctx context.Context, memory Memory, start, end int, scalars []ort.Tensor) error {
	w, m, v := part(memory.Weights, start, end), part(memory.First, start, end), part(memory.Second, start, end)
	inputs := append(scalars, part(memory.Gradients, start, end), w, m, v)
	return o.update.RunInto(ctx, inputs, []ort.Tensor{m, v, w})
}

func part(values []float32, start, end int) ort.Tensor {
	return ort.Floats(values[start:end], int64(end-start))
}

// eachChunk calls do for the spans in pieces.
func eachChunk(spans []Span, do func(span Span, start, end int) error) error {
	for _, span := range spans {
		for start := span.Start; start < span.End; start += chunk {
			if err := do(span, start, min(start+chunk, span.End)); err != nil {
				return err
			}
		}
	}
	return nil
}
