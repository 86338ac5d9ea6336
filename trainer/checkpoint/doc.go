// Package checkpoint writes what must survive: the state of a training run, from
// which the run can go on after being killed at any moment, and the model directory
// that results from it.
//
// A checkpoint is a folder that appears whole or not at all. It is filled
// beside its place, every file is flushed to the disk, a manifest takes their
// SHA-256, the folder is renamed, and only then does the file "latest" name
// it:
//
//	step-000000200/
//	    manifest.json          sizes and SHA-256 of the other files
//	    progress.json          step, schedule, sampler, best metric, ...
//	    weights.safetensors    one file for each section of the state
//	    first.safetensors
//	    second.safetensors
//	latest                     the name of the newest whole checkpoint
//
// Loading compares every byte with the manifest first, so a torn or damaged
// checkpoint is passed over for the one before it.
//
// The package knows neither the model nor the optimizer: a state is named
// tensors. Nor does it keep two runs out of one folder; that is up to the
// caller.
package checkpoint
