package learner

import (
	"math"
	"math/rand/v2"
	"strings"

	"polylens/trainer/optim"
)

// Random is where fresh parameters take their first values from.
type Random = *rand.Rand

// Parameter is a tensor that is trained: a range of the flat memory.
type Parameter struct {
	Name   string // as in the checkpoint, or in the adapter's file
	Shape  []int64
	Offset int // of its first element in the flat memory

	start start // nil: it is read from the checkpoint
}

// start fills a parameter before the first step.
type start = func(values []float32, random Random)

// Elements is the number of values of the tensor.
func (p Parameter) Elements() int {
	elements := int64(1)
	for _, dim := range p.Shape {
		elements *= dim
	}
	return int(elements)
}

// In is the part of flat memory that belongs to the parameter.
func (p Parameter) In(flat []float32) []float32 {
	return flat[p.Offset : p.Offset+p.Elements()]
}

// Decays reports whether weight decay applies to the parameter: to matrices and
// kernels, not to biases, norms, temperature and bias of the loss, nor to what is
// looked up or serves as a query: embeddings and the probe of the pooling head.
func (p Parameter) Decays() bool {
	for _, looked := range []string{"token_embedding.weight", "position_embedding.weight", "head.probe"} {
		if strings.HasSuffix(p.Name, looked) {
			return false
		}
	}
	return len(p.Shape) >= 2
}

// hidden reports whether the parameter is a matrix between hidden states, which is
// what Muon is made for: that of a linear layer in a block or in the pooling head,
// not of an adapter, an embedding or the loss.
func (p Parameter) hidden() bool {
	inner := strings.Contains(p.Name, ".encoder.layers.") || strings.Contains(p.Name, ".head.mlp.")
	return inner && len(p.Shape) == 2 && !strings.HasPrefix(p.Name, adapterPrefix)
}

// State is what training changes: the parameters, in one flat piece of memory,
// and with them their gradients and moments.
type State struct {
	Parameters []Parameter
	// Active is how many of the parameters, from the first on, the steps compute
	// gradients of. The others belong to late objectives and wait.
	Active int
	// Muon is set when it updates the matrices of blocks, not AdamW.
	Muon bool
	optim.Memory

	tables []*table // of the parameters, in their order
}

// alignment of parameters in elements: a cache line.
const alignment = 16

// layOut sets the offsets of parameters, one after the other, and gives the
// size of all.
func layOut(parameters []Parameter) int {
	size := 0
	for i := range parameters {
		parameters[i].Offset = size
		size += (parameters[i].Elements() + alignment - 1) / alignment * alignment
	}
	return size
}

func newState(parameters []Parameter) *State {
	size := layOut(parameters)
	memory := optim.Memory{
		Weights: make([]float32, size), Gradients: make([]float32, size),
		First: make([]float32, size), Second: make([]float32, size),
	}
	return &State{Parameters: parameters, Active: len(parameters), Memory: memory, tables: tables(parameters)}
}

// Weight is the memory of the i-th parameter's values.
func (s *State) Weight(i int) []float32 { return s.Parameters[i].In(s.Weights) }

// Gradient is the memory of the i-th parameter's gradient.
func (s *State) Gradient(i int) []float32 { return s.Parameters[i].In(s.Gradients) }

// find is the parameter of a name.
func (s *State) find(name string) (Parameter, bool) {
	for _, parameter := range s.Parameters {
		if parameter.Name == name {
			return parameter, true
		}
	}
	return Parameter{}, false
}

// Spans are the ranges of the memory that learn alike, of the parameters that
// are active: rates gives the learning rate and the weight decay of one.
func (s *State) Spans(rates func(Parameter) (rate, decay float64)) []optim.Span {
	var spans []optim.Span
	for _, parameter := range s.Parameters[:s.Active] {
		rate, decay := rates(parameter)
		if t := s.tableOf(parameter.Name); t != nil && decay == 0 {
			spans = append(spans, t.spans(rate)...)
			continue
		}
		span := optim.Span{Start: parameter.Offset, End: parameter.Offset + parameter.Elements(), Rate: rate, Decay: decay}
		if s.Muon && parameter.hidden() {
			span.Columns = int(parameter.Shape[1])
			spans = append(spans, span)
			continue
		}
		if last := len(spans) - 1; last >= 0 && span.Start-spans[last].End < alignment && likeBefore(spans[last], span) {
			spans[last].End = span.End // what lies between is zero and stays so
			continue
		}
		spans = append(spans, span)
	}
	return spans
}

// likeBefore reports whether a span can be joined to the one before it.
func likeBefore(before, span optim.Span) bool {
	return before.Columns == 0 && before.Rate == span.Rate && before.Decay == span.Decay
}

// startA fills LoRA's A as PEFT does: uniform within 1 / sqrt(in).
func startA(in int64) func([]float32, Random) {
	bound := 1 / math.Sqrt(float64(in))
	return func(values []float32, random Random) {
		for i := range values {
			values[i] = float32((2*random.Float64() - 1) * bound)
		}
	}
}

// startB leaves LoRA's B at zero, so that training starts from the model.
func startB([]float32, Random) {}
