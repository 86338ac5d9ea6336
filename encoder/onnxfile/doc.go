// Package onnxfile reads ONNX models that come from outside, checks them
// completely and recognises the towers of SigLIP in them. It does not run them.
//
// ONNX Runtime is a C++ program that believes what a file says, so nothing
// reaches it that Open has not read to the last field: every tensor fills its
// shape exactly, every external range lies in a regular file below the
// model's folder, every value has one producer, nothing is cyclic, and every
// operator is one that exports of SigLIP use. What Open does not know, it
// refuses. It does not judge what a graph computes, how long that takes or how
// much memory its intermediate values need.
//
// What was checked is what runs: Model.Bytes are the checked bytes, and they,
// not the path, are to be given to the runtime. External data is opened once
// more by the runtime, by name. Whoever can change the model's folder between
// Open and the session can exchange those weights, as can be done with
// safetensors files; keep folders of models writable by their owner alone.
package onnxfile
