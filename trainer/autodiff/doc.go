// Package autodiff differentiates the graphs of encoder/graph: it adds to a
// graph the nodes that compute the derivative of its loss with respect to any
// of its values, by reverse-mode differentiation, one rule for each operator.
// The result is an ordinary graph of ordinary operators. The package runs
// nothing, updates no weights and knows no architecture.
//
// A rule for the operator y = f(a, b) takes dy, the derivative of the loss with
// respect to y, and gives da and db. Derivatives are written d and the name of
// the value throughout.
package autodiff
