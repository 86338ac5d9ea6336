// Package hook tells whether a program is ready to be started again as its own child. Such
// a child begins like any process, at main, which must hand it over to the package that
// started it. A program that does not would do as a child whatever it does, and that may be
// to start children, without an end.
//
// It starts nothing: what a child is told, and how it is started, is its package's.
package hook
