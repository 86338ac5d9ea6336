// Package safetensors reads and checks the index of safetensors files, single
// or sharded, without reading the weights: names, types, shapes and the byte
// ranges that an ONNX graph may point to. The format is described at
// https://github.com/huggingface/safetensors#format.
package safetensors
