// Package pinned starts processes that are to die with this one. On Linux such a process
// dies with the thread that has started it, and threads of a Go program may end before it
// does. It does not say what a process may do, or when it has to end.
package pinned
