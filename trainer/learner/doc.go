// Package learner holds a model while it is trained: which of its parameters
// are trained, the flat memory that they, their gradients and their moments lie
// in, and the graph that computes a loss and every gradient in one run. What
// is not trained stays in its file and is computed by the graphs that serve
// search.
//
// It chooses no pictures, no learning rate and no number of steps; package
// trainer does.
package learner
