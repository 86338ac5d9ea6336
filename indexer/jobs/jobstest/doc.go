// Package jobstest holds the tests that every Store of the queue must pass. Only
// tests use it.
package jobstest
