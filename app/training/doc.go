// Package training does the runs of a data folder: how a run is configured, how its
// pairs are read, how it is trained in this process or as a job, which model it
// writes and which outcome it leaves.
//
// A Trainer knows the runs and moves them between their states; the API calls it. A run
// whose job is paused is queued, and goes on with that job.
//
// A Training is one run at work. What a step of training does is the business of
// package trainer, how searches change from one model to another that of rollout,
// and the words for people come from the commands.
package training
