// Package learner holds a model while it is trained: the choice of its trained
// parameters, the flat memory in which they, their gradients and their moments lie,
// and the graph that computes a loss and every gradient in one run. What is not
// trained stays in its file and is computed by the graphs that serve search.
//
// It chooses no pictures, no learning rate and no number of steps; package
// trainer does.
package learner
