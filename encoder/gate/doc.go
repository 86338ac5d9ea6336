// Package gate judges whether a model computed in fewer bits still gives the vectors
// of the model in fp32, and keeps the verdicts. It is the quality gate. It compares
// vectors; it opens no model and ranks nothing: callers tell it how many right
// answers were found.
//
// A model is judged by one of two things.
//
// By probes: texts and drawn pictures that every model can be shown. Nobody knows how
// well they represent a collection, so every single vector must come close to the
// exact one: LeastCosine holds for the worst. That is strict on purpose. A large
// model with a few outlying activations may fail for one odd drawing and yet find the
// same pictures; what it needs then is better evidence, and until there is some it is
// used in fp32, which is slow and never wrong. A mean instead of the worst would hide
// the opposite case, a model that is broken for one script or one kind of picture.
//
// By a user's own pairs of pictures and texts, once there are enough of them to
// measure what is lost: no language with at least FewestQueries queries may lose
// more than MostLost, and the mean cosine must reach LeastCosine. These are what
// the vectors are for, so they outrank the probes, in both directions: an
// outlying probe is excused, and probes that pass do not make up for answers
// that are lost. With fewer queries than that, one query would be more than
// MostLost; the language is reported, not judged, and if there is no larger one
// the probes have to pass as well.
//
// Pairs that are not the user's own, such as the demo's, are judged like those,
// but excuse no probe.
//
// A vector that is not finite, or that has no length, excuses nothing.
package gate
