// Package graph composes ONNX models in Go: nodes, shapes, initializers that
// point into external files, and the protobuf encoding of the result. It does
// not run them (package ort does) and knows no particular architecture.
//
// Functions that add a node infer its shape and panic with *BuildError when
// their operands do not fit; Build recovers that one type and returns it as an
// error. Maths then reads as maths, and nothing panics past Build.
package graph
