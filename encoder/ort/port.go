package ort

import (
	"fmt"
	"slices"
)

// Port is an input or output of a model: its name, its shape and the type of
// its numbers. A negative dimension -k takes any multiple of k, so that -1
// takes any size.
type Port struct {
	Name  string
	Shape []int64
	Type  ElementType // 0 takes Float32
}

func (p Port) element() ElementType {
	if p.Type == 0 {
		return Float32
	}
	return p.Type
}

func (p Port) accepts(shape []int64) error {
	fits := len(shape) == len(p.Shape)
	for i := 0; fits && i < len(shape); i++ {
		want := p.Shape[i]
		fits = shape[i] > 0 && (want == shape[i] || want < 0 && shape[i]%want == 0)
	}
	if !fits {
		return fmt.Errorf("input %q has shape %v, the model takes %v", p.Name, shape, p.Shape)
	}
	return nil
}

// sized is the port's shape for a batch size. It is not known when a dimension
// other than the first is open: in exported models each may mean something else.
func (p Port) sized(batch int64) (shape []int64, known bool) {
	shape = slices.Clone(p.Shape)
	if len(shape) > 0 && shape[0] < 0 {
		shape[0] *= -batch
	}
	return shape, len(shape) > 0 && slices.Min(shape) > 0
}

// batchOf is the batch size of inputs that their ports accept; 0 when none of
// the ports has one.
func batchOf(ports []Port, inputs []Tensor) int64 {
	for i, port := range ports {
		if len(port.Shape) > 0 && port.Shape[0] < 0 {
			return inputs[i].Shape[0] / -port.Shape[0]
		}
	}
	return 0
}

func names(ports []Port) []string {
	list := make([]string, len(ports))
	for i, port := range ports {
		list[i] = port.Name
	}
	return list
}

// checkPorts refuses what Run could not carry.
func checkPorts(inputs, outputs []Port) error {
	for _, port := range slices.Concat(inputs, outputs) {
		if !port.element().known() {
			return fmt.Errorf("%q holds %v, which is not supported", port.Name, port.element())
		}
	}
	for _, port := range outputs {
		if port.Shape != nil && len(port.Shape) == 0 { // nil is unknown
			return fmt.Errorf("output %q is a scalar, which cannot be received: give it the shape [1]", port.Name)
		}
		if _, known := port.sized(1); port.element() == Float16 && !known {
			return fmt.Errorf("output %q holds float16 in the open shape %v, which cannot be received: leave it out, or export it as float32",
				port.Name, port.Shape)
		}
	}
	return nil
}
