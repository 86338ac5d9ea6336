package learner

import (
	"context"
	"fmt"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
)

// Teacher follows the training slowly. Its memory holds exponential moving averages
// of trained weights, which begin as the weights were when it began to follow them,
// and behind those the averages of values that steps compute, which begin as zeros.
type Teacher struct {
	Parameters []Parameter // by the names of what they follow
	Values     []float32   // the averages

	weights  int       // number of the parameters that follow weights
	observed []float32 // what the steps since the last update have computed, added up
	first    int       // where in Values the averages of observed begin
	follower *ort.Session
}

// newTeacher lays the averages of a step out and starts them.
func newTeacher(a *averages, state *State) (*Teacher, error) {
	t := &Teacher{Parameters: append(a.weights, a.observed...), weights: len(a.weights)}
	t.Values = make([]float32, layOut(t.Parameters))
	t.first = len(t.Values)
	if len(a.observed) > 0 {
		t.first = t.Parameters[t.weights].Offset
	}
	t.observed = make([]float32, len(t.Values)-t.first)
	for _, parameter := range t.Parameters[:t.weights] {
		followed, ok := state.find(parameter.Name)
		if !ok {
			return nil, fmt.Errorf("the teacher follows %q, which is not trained", parameter.Name)
		}
		copy(parameter.In(t.Values), followed.In(state.Weights))
	}
	return t, nil
}

func (t *Teacher) close() error {
	if t.follower == nil {
		return nil
	}
	return t.follower.Close()
}

// Average is the memory of the i-th parameter's average.
func (t *Teacher) Average(i int) []float32 { return t.Parameters[i].In(t.Values) }

// observation is what has been observed for the i-th parameter.
func (t *Teacher) observation(i int) []float32 {
	start := t.Parameters[i].Offset - t.first
	return t.observed[start : start+t.Parameters[i].Elements()]
}

// give adds the inputs of a step.
func (t *Teacher) give(given map[string]ort.Tensor) {
	for i, parameter := range t.Parameters {
		given[averageOf+parameter.Name] = ort.Floats(t.Average(i), parameter.Shape...)
		if i >= t.weights {
			given[sumFor+parameter.Name] = ort.Floats(t.observation(i), parameter.Shape...)
		}
	}
}

// observe lists where a step puts what it observes.
func (t *Teacher) observe() []ort.Tensor {
	var outputs []ort.Tensor
	for i := t.weights; i < len(t.Parameters); i++ {
		outputs = append(outputs, ort.Floats(t.observation(i), t.Parameters[i].Shape...))
	}
	return outputs
}

// Momentum is how much of its value an average keeps in an update, 0 to 1.
type Momentum struct {
	Weights  float64 // of weights
	Observed float64 // of what steps compute
}

// Follow moves the averages a towards what they follow, once after each update
// of the weights: a' = m a + (1 - m) x, where x is a weight, or the mean of what
// so many parts of a step computed. It is an error without a teacher.
func (l *Learner) Follow(ctx context.Context, momentum Momentum, parts int) error {
	t := l.Teacher
	if t == nil {
		return fmt.Errorf("mode %q: no objective of the steps has a teacher", l.plan.Mode)
	}
	for _, s := range t.stretches(l.State) {
		if err := t.move(ctx, t.Values[s.to:s.to+s.length], l.State.Weights[s.from:s.from+s.length], momentum.Weights, 1); err != nil {
			return err
		}
	}
	if err := t.move(ctx, t.Values[t.first:], t.observed, momentum.Observed, parts); err != nil {
		return err
	}
	clear(t.observed)
	return nil
}

// stretch is a range of the weights and where its average is.
type stretch struct{ from, to, length int }

// stretches are the ranges of the weights that are followed, as long as they
// get.
func (t *Teacher) stretches(state *State) []stretch {
	var list []stretch
	for _, parameter := range t.Parameters[:t.weights] {
		followed, _ := state.find(parameter.Name)
		next := stretch{followed.Offset, parameter.Offset, parameter.Elements()}
		if last := len(list) - 1; last >= 0 && next.from-list[last].from == next.to-list[last].to {
			list[last].length = next.from + next.length - list[last].from // what lies between is zero in both
			continue
		}
		list = append(list, next)
	}
	return list
}

// move applies the update to a range, chunk by chunk, in place.
func (t *Teacher) move(ctx context.Context, averages, values []float32, momentum float64, parts int) error {
	keep := ort.Floats([]float32{float32(momentum)}, 1)
	take := ort.Floats([]float32{float32((1 - momentum) / float64(parts))}, 1)
	for start := 0; start < len(averages); start += followedAtOnce {
		end := min(start+followedAtOnce, len(averages))
		average := ort.Floats(averages[start:end], int64(end-start))
		value := ort.Floats(values[start:end], int64(end-start))
		if err := t.follower.RunInto(ctx, []ort.Tensor{keep, take, average, value}, []ort.Tensor{average}); err != nil {
			return err
		}
	}
	return nil
}

// followedAtOnce is the number of elements of a run: they stay in the
// processor's cache.
const followedAtOnce = 1 << 18

// openFollower opens the update of averages: keep a + take x. Both are read
// before the result is written, which may be the memory of a.
func (o opening) openFollower() (*ort.Session, error) {
	g, err := graph.Build("follower", func(g *graph.Graph) {
		keep, take := g.Input("keep", graph.Float32, 1), g.Input("take", graph.Float32, 1)
		average, value := g.Input("average", graph.Float32, graph.Batch), g.Input("value", graph.Float32, graph.Batch)
		g.Output("moved", graph.Add(graph.Mul(average, keep), graph.Mul(value, take)))
	})
	if err != nil {
		return nil, err
	}
	options := o.options
	options.Literal = true
	return o.environment.NewSession(o.model(g), options)
}
