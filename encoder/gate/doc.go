// Package gate judges whether a model computed in fewer bits still gives the
// vectors of the model in fp32. It compares vectors and keeps verdicts; it
// opens no model, and how well a model finds pictures it leaves to package
// search.
package gate
