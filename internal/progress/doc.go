// Package progress tells people how far something is that takes a while.
//
// A terminal gets one line that changes in place and goes away at the end.
// Anything else, such as a file or a pipe, gets a line of its own now and then,
// and none of what is over soon. What is told for programs, as JSON, is none of
// this package's business, nor is counting.
package progress
