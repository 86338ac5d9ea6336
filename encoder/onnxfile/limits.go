package onnxfile

import "fmt"

// Limits of what is accepted. The first is protobuf's own; the others leave a hundred
// times what the largest SigLIP needs.
const (
	maxFile     = 1<<31 - 1
	maxName     = 4096 // bytes
	maxRank     = 16
	maxDepth    = 8 // graphs inside graphs, and types inside types
	maxNodes    = 200_000
	minIR       = 3
	maxIR       = 14
	minOpset    = 7 // the oldest that ONNX Runtime runs
	maxOpset    = 28
	maxExternal = 10_000 // files
)

// limits of the number of messages of each kind in a whole model.
var limits = map[string]int{
	"nodes": maxNodes, "attributes": 2_000_000, "tensors": maxNodes, "graphs": 10_000, "values": 1_000_000,
	"functions": 10_000, "function nodes": maxNodes, "operands": 2_000_000, "annotations": maxNodes, "opset imports": 10_000,
}

// counts guards the limits.
type counts map[string]int

func (c counts) take(what string) error {
	c[what]++
	if c[what] > limits[what] {
		return fmt.Errorf("holds more than %d %s", limits[what], what)
	}
	return nil
}
