// Package trainer finetunes a model: it takes a configuration and pairs, inspects and
// splits them, trains, evaluates on what was held out, saves checkpoints from which
// it can go on after being killed, and writes the best model that it found, with a
// verdict on what that model has forgotten.
//
// The parts are packages of their own: data reads and batches pairs, learner
// holds the model, optim updates it, evaluate measures it, checkpoint keeps it.
// It knows no collection, no API and no command line; package app does.
package trainer
