package siglip2

import (
	"slices"
	"strings"

	"polylens/encoder/graph"
	"polylens/encoder/safetensors"
)

// Parameters gives the towers their weights, under the names that Hugging Face
// checkpoints use. A Parameter that does not exist or has another shape ends
// the Build with graph.Fail.
type Parameters interface {
	Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value
}

// QuantizedParameters are Parameters some of which are stored in 8 bits.
type QuantizedParameters interface {
	Parameters
	// Quantized declares the weight [out, in] of a linear layer as int8
	// [in, out] with one scale for each output [out]; nil when the weight is
	// not stored so.
	Quantized(g *graph.Graph, name string, out, in int64) (weight, scale *graph.Value)
}

// AdaptedParameters are Parameters some of whose linear layers are changed by an
// adapter.
type AdaptedParameters interface {
	Parameters
	// Linear is the named linear layer on rows x [M, in], given its own weight
	// [out, in] and bias [out]: graph.Linear of them where there is no adapter.
	Linear(name string, x, weight, bias *graph.Value) *graph.Value
}

// ScaleSuffix follows the name of an int8 weight in that of its scales.
const ScaleSuffix = "_scale"

// Weights are the parameters of a checkpoint: constants of the graph whose
// bytes stay in the safetensors files.
type Weights struct {
	index *safetensors.Index
	used  map[string]*graph.Value
}

// Stored returns the parameters of a checkpoint. Each Build needs its own.
func Stored(index *safetensors.Index) *Weights {
	return &Weights{index: index, used: map[string]*graph.Value{}}
}

// dtypes are the element types that a weight may be stored in.
var dtypes = map[safetensors.DType]graph.DType{
	safetensors.F32: graph.Float32, safetensors.F16: graph.Float16, safetensors.BF16: graph.BFloat16,
	safetensors.I8: graph.Int8,
}

// Parameter declares the named weight as a constant of g, in its stored type.
func (w *Weights) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if value, ok := w.used[name]; ok {
		return value
	}
	tensor, ok := w.index.Tensor(name)
	if !ok {
		graph.Fail("weights", "the checkpoint %s lacks tensor %q of shape %v", w.index.Dir, name, shape)
	}
	if !slices.Equal(tensor.Shape, shape) {
		graph.Fail("weights", "tensor %q of %s has shape %v, config.json asks for %v", name, tensor.File, tensor.Shape, shape)
	}
	dtype, ok := dtypes[tensor.DType]
	if !ok {
		graph.Fail("weights", "tensor %q of %s has type %s; F32, F16 and BF16 are supported", name, tensor.File, tensor.DType)
	}
	at := graph.External{Location: tensor.File, Offset: tensor.Offset, Length: tensor.Length}
	w.used[name] = g.External(name, dtype, shape, at)
	return w.used[name]
}

// Quantized declares an int8 weight, if it is stored as one.
func (w *Weights) Quantized(g *graph.Graph, name string, out, in int64) (weight, scale *graph.Value) {
	if tensor, ok := w.index.Tensor(name); !ok || tensor.DType != safetensors.I8 {
		return nil, nil
	}
	return w.Parameter(g, name, in, out), w.Parameter(g, name+ScaleSuffix, out)
}

// CheckUnused fails when the checkpoint holds a weight of the tower that the
// architecture does not use: the model would then differ from what config.json says,
// and its embeddings would be silently wrong.
func (w *Weights) CheckUnused(tower string) {
	for _, name := range w.index.Names() {
		if w.used[name] == nil && !known(name, tower) {
			graph.Fail("weights", "the checkpoint %s holds tensor %q, which the model that config.json describes does not have", w.index.Dir, name)
		}
	}
}

// known reports whether an unused tensor is expected: the other tower's, the
// calibration of the loss, or the position numbers that old files carry.
func known(name, tower string) bool {
	switch {
	case name == "logit_scale" || name == "logit_bias":
		return true
	case strings.HasSuffix(name, ".embeddings.position_ids"):
		return true
	case strings.HasPrefix(name, textTower+".") || strings.HasPrefix(name, visionTower+"."):
		return !strings.HasPrefix(name, tower+".")
	default:
		return false
	}
}
