// Package progress shows people how far something that takes a while has come.
//
// A terminal gets one line that changes in place and goes away at the end.
// Anything else, such as a file or a pipe, gets a new line now and then, and
// none if the work is over soon. Progress for programs, as JSON, is none of this
// package's business, nor is counting.
package progress
