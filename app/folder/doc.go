// Package folder is the hold of one process on a data folder, and how other
// processes find the server that has it.
//
// It knows nothing about what lies in the folder, which is the business of the rooms
// that write it: the catalogue, rollout, training.
package folder
