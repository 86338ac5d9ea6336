// Package safetensors reads and writes safetensors files, single or sharded.
// Opening checks the headers and reads no weights: names, types, shapes and
// the byte ranges that an ONNX graph may point to. Values are read tensor by
// tensor, as float32, when asked for. The format is described at
// https://github.com/huggingface/safetensors#format.
package safetensors
