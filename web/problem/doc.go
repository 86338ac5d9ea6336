// Package problem is the one table of what can go wrong: for each error of the
// domain the type and status of its problem (RFC 9457), the exit code of the
// command line, and the words. The server makes problems by it, the client makes
// errors of problems by it, and the command line ends by it. It answers no
// requests and prints nothing.
package problem
