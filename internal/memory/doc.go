// Package memory reports how much memory this process can have, on Linux: that of the
// machine, or what its control groups leave it where that is less. It reserves none:
// another process may take it right afterwards.
package memory
