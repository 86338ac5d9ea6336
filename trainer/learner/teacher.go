package learner

import (
	"slices"

	"polylens/encoder/graph"
	"polylens/encoder/siglip2"
)

// What stands before the names of a teacher's averages in a step.
const (
	averageOf  = "average: "  // the average, an input
	observedOf = "observed: " // the value of a step that it follows, an output
)

// Teacher gives the towers exponential moving averages of the trained weights. They
// are inputs of the step with respect to which nothing is differentiated; what is not
// trained stays as it is. The trained parameters have to be declared before: ask for
// the student's first.
func (c *Composition) Teacher() siglip2.Parameters { return c.averages() }

// Average is the exponential moving average of a value that each step computes,
// over the steps before; zeros at first.
func (c *Composition) Average(name string, value *graph.Value) *graph.Value {
	a := c.averages()
	a.values = append(a.values, value)
	a.observed = append(a.observed, Parameter{Name: name, Shape: slices.Clone(value.Shape)})
	return c.Graph.Input(averageOf+name, graph.Float32, value.Shape...)
}

func (c *Composition) averages() *averages {
	if c.teacher == nil {
		c.teacher = &averages{student: c.parameters, byName: map[string]*graph.Value{}}
	}
	return c.teacher
}

// averages are those that a step takes. As parameters they are the teacher's.
type averages struct {
	student  *parameters
	byName   map[string]*graph.Value // of weights
	weights  []Parameter             // that follow trained parameters
	observed []Parameter             // that follow values of the step
	values   []*graph.Value          // which these are
}

// Parameter implements siglip2.Parameters.
func (a *averages) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if a.student.byName[name] == nil {
		return a.student.Parameters.Parameter(g, name, shape...)
	}
	if a.byName[name] == nil {
		a.byName[name] = g.Input(averageOf+name, graph.Float32, shape...)
		a.weights = append(a.weights, Parameter{Name: name, Shape: slices.Clone(shape)})
	}
	return a.byName[name]
}

// Linear implements siglip2.AdaptedParameters: a teacher of adapters is the
// model with averages of the adapters.
func (a *averages) Linear(name string, x, weight, bias *graph.Value) *graph.Value {
	plan := a.student.plan
	if !plan.adapts(name) {
		return graph.Linear(x, weight, bias)
	}
	low, high := plan.LoRA.weights(weight, func(suffix string, _ start, shape ...int64) *graph.Value {
		return a.Parameter(a.student.graph, adapterPrefix+name+suffix, shape...)
	})
	return graph.Linear(x, plan.LoRA.merge(weight, low, high), bias)
}

// output makes what is observed outputs of the step, added to what the memory
// holds already where the plan accumulates.
func (a *averages) output(g *graph.Graph, accumulate bool) {
	for i, parameter := range a.observed {
		value := a.values[i]
		if accumulate {
			value = graph.Add(g.Input(sumFor+parameter.Name, graph.Float32, value.Shape...), value)
		}
		g.Output(observedOf+parameter.Name, value)
	}
}
