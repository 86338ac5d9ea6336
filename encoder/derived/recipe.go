package derived

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"polylens/encoder/adapter"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// Precision of the weights that are written.
type Precision string

// The precisions. FP32 keeps what is stored, in whatever type.
const (
	FP32 Precision = "fp32"
	FP16 Precision = "fp16"
	INT8 Precision = "int8"
)

// version changes when a recipe gives other bytes than before.
const version = 1

// Recipe says what to make of which checkpoint.
type Recipe struct {
	Source      *safetensors.Index
	Fingerprint string           // of the source with the adapter
	Adapter     *adapter.Adapter // merged into the weights; nil for none
	Precision   Precision
}

// Needed reports whether anything has to be made: the source itself may do.
func (r Recipe) Needed() bool {
	if r.Adapter != nil || r.Precision == INT8 {
		return true
	}
	return r.Precision == FP16 && slices.ContainsFunc(r.Source.Names(), func(name string) bool {
		tensor, _ := r.Source.Tensor(name)
		return r.treat(tensor) == halve && tensor.DType != safetensors.F16
	})
}

// name of the folder of the result: equal recipes have equal names.
func (r Recipe) name() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %t", version, r.Fingerprint, r.Precision, r.Adapter != nil))
	return fmt.Sprintf("%s-%s", hex.EncodeToString(sum[:8]), r.Precision)
}

// treatment is what happens to one tensor.
type treatment int

const (
	keep         treatment = iota // stored as it is, or as F32 once merged
	halve                         // F16
	quantize                      // a linear layer: int8 [in, out], one scale for each output
	quantizeRows                  // a table: int8 as stored, one scale for each row
)

// layer matches the linear layers that int8 quantizes: those of the blocks,
// which take nearly all of the time. The pooling head, the patches' embedding
// and the projection of texts stay exact: they cost little and errors there
// go straight into the vector.
var layer = regexp.MustCompile(`^(text|vision)_model\.encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])\.weight$`)

const table = "text_model.embeddings.token_embedding.weight"

func (r Recipe) treat(tensor safetensors.Tensor) treatment {
	matrix := len(tensor.Shape) == 2
	switch {
	case r.Precision == INT8 && matrix && layer.MatchString(tensor.Name):
		return quantize
	case r.Precision == INT8 && matrix && tensor.Name == table:
		return quantizeRows
	case r.Precision == FP16 && len(tensor.Shape) >= 2:
		return halve
	default:
		return keep
	}
}

// merged reports whether the adapter changes a tensor.
func (r Recipe) merged(name string) bool {
	if r.Adapter == nil {
		return false
	}
	_, changed := r.Adapter.Delta(name)
	return changed
}

// describe lists the tensors that become of one.
func (r Recipe) describe(tensor safetensors.Tensor) []safetensors.Tensor {
	made := safetensors.Tensor{Name: tensor.Name, DType: tensor.DType, Shape: tensor.Shape}
	switch r.treat(tensor) {
	case halve:
		made.DType = safetensors.F16
	case quantize:
		out, in := tensor.Shape[0], tensor.Shape[1]
		made.DType, made.Shape = safetensors.I8, []int64{in, out}
		return []safetensors.Tensor{made, {Name: tensor.Name + siglip2.ScaleSuffix, DType: safetensors.F32, Shape: []int64{out}}}
	case quantizeRows:
		made.DType = safetensors.I8
		return []safetensors.Tensor{made, {Name: tensor.Name + siglip2.ScaleSuffix, DType: safetensors.F32, Shape: []int64{tensor.Shape[0], 1}}}
	default:
		if r.merged(tensor.Name) {
			made.DType = safetensors.F32
		}
	}
	return []safetensors.Tensor{made}
}
