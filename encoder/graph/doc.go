// Package graph composes ONNX models in Go: nodes, shapes, initializers that
// point into external files, and the protobuf encoding of the result. It does
// not run them (package ort does) and knows no particular architecture.
package graph
