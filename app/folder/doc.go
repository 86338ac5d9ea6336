// Package folder is the hold of one process on a data folder, and how other
// processes find the server that has it.
//
// It knows nothing of what lies in the folder, which is for the rooms that write
// it: the catalogue, rollout, training.
package folder
