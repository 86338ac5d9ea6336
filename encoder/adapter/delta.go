package adapter

import (
	"errors"
	"fmt"
	"slices"

	"polylens/encoder/safetensors"
)

// Delta says how one weight W of the base changes, in this order: Replacement
// takes its place; Scale * B A is added (its transpose if Transposed); with
// Magnitude, the result is brought to those lengths; Scale * Bias is added.
// What is nil does not happen. The tensors lie in the adapter's file.
//
// The shapes, for a rank r:
//
//	linear layer   A [r, in]        B [out, r]        W [out, in]        Magnitude [out]
//	convolution    A [r, C, P, P]   B [out, r, 1, 1]  W [out, C, P, P]   Magnitude [1, out, 1, 1]
//	embedding      A [r, rows]      B [width, r]      W [rows, width]    Magnitude [width], Transposed
type Delta struct {
	Replacement *safetensors.Tensor
	A, B        *safetensors.Tensor
	Scale       float32
	Transposed  bool
	Magnitude   *safetensors.Tensor // the length of each row of W, of each column if Transposed
	Bias        *safetensors.Tensor

	rank int64 // that the config gives the layer
}

// Shape is the shape that the base weight must have.
func (d Delta) Shape() []int64 {
	switch {
	case d.Replacement != nil:
		return d.Replacement.Shape
	case d.Bias != nil:
		return d.Bias.Shape
	case d.Transposed:
		return []int64{d.A.Shape[1], d.B.Shape[0]}
	default:
		return append([]int64{d.B.Shape[0]}, d.A.Shape[1:]...)
	}
}

// check demands that the parts belong together.
func (d Delta) check(doRA bool) error {
	for _, tensor := range []*safetensors.Tensor{d.Replacement, d.A, d.B, d.Magnitude, d.Bias} {
		if tensor != nil && !slices.Contains([]safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16}, tensor.DType) {
			return fmt.Errorf("tensor %q has type %s; F32, F16 and BF16 are supported", tensor.Name, tensor.DType)
		}
	}
	if (d.A == nil) != (d.B == nil) {
		return errors.New("one of its factors lora_A and lora_B is missing")
	}
	if d.A == nil {
		return d.checkWithoutFactors()
	}
	return d.checkFactors(doRA)
}

func (d Delta) checkWithoutFactors() error {
	if d.Magnitude != nil {
		return errors.New("it has a lora_magnitude_vector, but no factors lora_A and lora_B")
	}
	if d.Replacement != nil && d.Bias != nil && !slices.Equal(d.Replacement.Shape, d.Bias.Shape) {
		return fmt.Errorf("tensors %q and %q have the shapes %v and %v", d.Replacement.Name, d.Bias.Name, d.Replacement.Shape, d.Bias.Shape)
	}
	return nil
}

func (d Delta) checkFactors(doRA bool) error {
	a, b := d.A.Shape, d.B.Shape
	matrices := len(a) == 2 && len(b) == 2
	kernels := len(a) == 4 && len(b) == 4 && b[2] == 1 && b[3] == 1 && !d.Transposed
	if !matrices && !kernels {
		return fmt.Errorf("its factors have the shapes %v and %v, which are those of no supported layer", a, b)
	}
	if a[0] != d.rank || b[1] != d.rank {
		return fmt.Errorf("its factors have the shapes %v and %v, but the config gives it rank %d", a, b, d.rank)
	}
	if d.Replacement != nil {
		added := Delta{A: d.A, B: d.B, Transposed: d.Transposed}.Shape()
		if !slices.Equal(added, d.Replacement.Shape) {
			return fmt.Errorf("its factors add to shape %v, but %q has shape %v", added, d.Replacement.Name, d.Replacement.Shape)
		}
	}
	if doRA != (d.Magnitude != nil) {
		return fmt.Errorf("use_dora is %v, but whether it has a lora_magnitude_vector: %v", doRA, d.Magnitude != nil)
	}
	if d.Magnitude != nil && d.Magnitude.Elements() != b[0] {
		return fmt.Errorf("%q has shape %v, but %d lengths are needed", d.Magnitude.Name, d.Magnitude.Shape, b[0])
	}
	return nil
}
