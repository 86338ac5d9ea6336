// Package ort is the only importer of onnxruntime_go: one environment for the
// process, sessions that goroutines share, tensors with checked shapes, and the
// devices that the loaded library can compute on. It knows nothing of the models that
// it runs. How many threads to run them with is measured by the subpackage tune.
package ort
