// Package onnxfile reads ONNX models that come from outside, checks them completely
// and recognizes the towers of SigLIP in them. It does not run them.
//
// ONNX Runtime is a C++ library that trusts what a file says, so nothing reaches it
// that Open has not read to the last field: every tensor fills its shape exactly,
// every external range lies in a regular file below the model's folder, every value
// has one producer, nothing is cyclic, and every operator is one that exports of
// SigLIP use. What Open does not know, it refuses. It does not judge what a graph
// computes, how long that takes or how much memory its intermediate values need.
//
// What was checked is what runs: Model.Bytes are the checked bytes, in memory
// that nobody else can change, and they, not the path, are to be given to the
// runtime, with Model.Dir as the folder of external data. The values of large
// weights are left where they are, in the model's file or beside it, and the
// runtime opens those files once more, by name. Whoever can change the folder
// between Open and the session can exchange numbers, as with safetensors
// files, but no shape, operator or path. A file cut short in that time is an
// error of the runtime. Keep folders of models writable by their owner alone.
package onnxfile
