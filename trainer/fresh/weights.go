package fresh

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"polylens/encoder/graph"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/checkpoint"
)

// Where the loss begins: "we initialize t' and b to log 10 and -10" (Zhai et al.
// 2023, arXiv 2303.15343, section 3.2). transformers begins with zeros.
const (
	logitScale, startScale = "logit_scale", math.Ln10
	logitBias, startBias   = "logit_bias", -10
)

// declared notes which weights a tower asks for: the architecture is written
// once.
type declared struct {
	values  map[string]*graph.Value
	tensors []checkpoint.Changed
}

// Parameter implements siglip2.Parameters.
func (d *declared) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if d.values[name] == nil { // asked for the first time
		d.values[name] = g.Input(name, graph.Float32, shape...)
		d.tensors = append(d.tensors, checkpoint.Changed{Name: name, DType: safetensors.F32, Shape: shape})
	}
	return d.values[name]
}

// weights lists the tensors of a model, filled.
func weights(config siglip2.Config, options Options) ([]checkpoint.Changed, error) {
	d := declared{values: map[string]*graph.Value{}}
	for _, build := range []func(siglip2.Config, siglip2.Parameters, siglip2.Options) (*graph.Graph, error){siglip2.BuildVision, siglip2.BuildText} {
		if _, err := build(config, &d, siglip2.Options{}); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{logitScale, logitBias} {
		d.tensors = append(d.tensors, checkpoint.Changed{Name: name, DType: safetensors.F32, Shape: []int64{1}})
	}
	for i := range d.tensors {
		d.tensors[i].Values = make([]float32, elements(d.tensors[i].Shape))
		fill(d.tensors[i], config, options)
	}
	return d.tensors, nil
}

func elements(shape []int64) int64 {
	product := int64(1)
	for _, dim := range shape {
		product *= dim
	}
	return product
}

// fill gives a tensor its first values, by the rules of _init_weights of
// transformers' SiglipPreTrainedModel (models/siglip/modeling_siglip.py, version
// 5.23). They depend on the seed and the name alone.
func fill(tensor checkpoint.Changed, config siglip2.Config, options Options) {
	values, random := tensor.Values, randomFor(options.Seed, tensor.Name)
	in, out := fans(tensor.Shape)
	switch name := tensor.Name; {
	case name == logitScale:
		values[0] = startScale
	case name == logitBias:
		values[0] = startBias
	case strings.HasSuffix(name, "_embedding.weight") && !strings.Contains(name, "patch_"):
		// default_flax_embed_init_, and the positions of pictures likewise.
		normal(values, 1/math.Sqrt(in), random)
	case strings.HasSuffix(name, "norm.weight"), strings.Contains(name, "layer_norm") && strings.HasSuffix(name, ".weight"):
		constant(values, 1)
	case strings.HasSuffix(name, ".fc1.bias"), strings.HasSuffix(name, ".fc2.bias"):
		normal(values, 1e-6, random)
	case strings.HasSuffix(name, "bias"):
	case isXavier(name):
		uniform(values, math.Sqrt(6/(in+out)), random)
	default:
		lecun(values, in, random)
	}
	if options.Short {
		settle(tensor, config)
	}
}

// isXavier reports the weights that xavier_uniform_ fills: attention and MLPs except
// for the output of the pooling head's attention, which is an ordinary linear layer
// there.
func isXavier(name string) bool {
	for _, part := range []string{".self_attn.", ".fc1.", ".fc2.", "in_proj_weight", "head.probe"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// fans are fan_in and fan_out as torch.nn.init counts them: the second and the
// first axis, times all others.
func fans(shape []int64) (in, out float64) {
	if len(shape) < 2 {
		return 1, 1
	}
	field := float64(elements(shape[2:]))
	return float64(shape[1]) * field, float64(shape[0]) * field
}

// randomFor depends on the name, so that a tensor begins alike whatever else
// the model has.
func randomFor(seed uint64, name string) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(seed, hash.Sum64()))
}

func constant(values []float32, value float32) {
	for i := range values {
		values[i] = value
	}
}

func normal(values []float32, deviation float64, random *rand.Rand) {
	for i := range values {
		values[i] = float32(deviation * random.NormFloat64())
	}
}

func uniform(values []float32, bound float64, random *rand.Rand) {
	for i := range values {
		values[i] = float32(bound * (2*random.Float64() - 1))
	}
}

// truncated is the standard deviation of a standard normal that is cut off
// beyond 2.
const truncated = 0.87962566103423978

// lecun is lecun_normal_: a normal of variance 1 / fan_in, cut off beyond twice
// the deviation that it had before.
func lecun(values []float32, in float64, random *rand.Rand) {
	deviation := 1 / math.Sqrt(in) / truncated
	for i := range values {
		x := random.NormFloat64()
		for math.Abs(x) > 2 {
			x = random.NormFloat64()
		}
		values[i] = float32(deviation * x)
	}
}
