// Package problem is the one table of what can go wrong: for each error of the
// domain the type and status of its problem (RFC 9457), the exit code of the
// command line, and the words. With it the server turns errors into problems, the
// client turns problems back into errors, and the command line chooses its exit
// code. It answers no requests and prints nothing.
package problem
