// Package hangtest makes files that never answer, as those of a network share whose
// server is gone, for tests. It is not for the program.
package hangtest
