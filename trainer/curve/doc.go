// Package curve writes the curves of a run beside its checkpoints: curve.jsonl,
// one JSON object a line, and event files that TensorBoard reads. A run that
// goes on from a checkpoint goes on with curves that end there, too.
//
// Every record reaches the operating system before Append returns, so that a
// killed process loses none. Only Sync waits for the disk: call it before a
// checkpoint is committed, and a power failure loses nothing of what led to it.
//
// The package computes nothing and reads a curve only to cut it.
package curve
