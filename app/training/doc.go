// Package training makes the runs of a data folder: what a run is configured to
// do, the reading of its pairs, training in this process or as a job, the model
// that it writes and the outcome that it leaves.
//
// A Trainer knows the runs and moves them between their states; it is what the API
// calls. A Training is one run at work. What a step of training does is package
// trainer's, how searches change from one model to another is rollout's, and the
// words for people are those of the commands.
package training
