package trainer

import (
	"polylens/trainer/optim"
)

// Parameter is a tensor that is trained: a range of the flat memory.
type Parameter struct {
	Name   string // as in the checkpoint, or in the adapter's
	Shape  []int64
	Offset int // of its first element in the flat memory
}

// Elements is the number of values of the tensor.
func (p Parameter) Elements() int {
	elements := int64(1)
	for _, dim := range p.Shape {
		elements *= dim
	}
	return int(elements)
}

// in is the part of flat memory that belongs to the parameter.
func (p Parameter) in(flat []float32) []float32 {
	return flat[p.Offset : p.Offset+p.Elements()]
}

// State is what training changes: the parameters, in one flat piece of memory,
// and with them their gradients and moments.
type State struct {
	Parameters []Parameter
	optim.Memory
}

// alignment of parameters in elements: a cache line.
const alignment = 16

// newState lays parameters out one after the other. Their offsets are set.
func newState(parameters []Parameter) *State {
	size := 0
	for i := range parameters {
		parameters[i].Offset = size
		size += (parameters[i].Elements() + alignment - 1) / alignment * alignment
	}
	return &State{Parameters: parameters, Memory: optim.Memory{
		Weights: make([]float32, size), Gradients: make([]float32, size),
		First: make([]float32, size), Second: make([]float32, size),
	}}
}

// Weight is the memory of the i-th parameter's values.
func (s *State) Weight(i int) []float32 { return s.Parameters[i].in(s.Weights) }

// Gradient is the memory of the i-th parameter's gradient.
func (s *State) Gradient(i int) []float32 { return s.Parameters[i].in(s.Gradients) }
