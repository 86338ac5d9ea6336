// Package jobstest holds the tests that every Store of the queue passes. It is
// used by tests only.
package jobstest
