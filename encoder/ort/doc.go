// Package ort is the only importer of onnxruntime_go: one environment for the
// process, sessions that goroutines share, tensors with checked shapes. It
// knows nothing of the models that it runs.
package ort
