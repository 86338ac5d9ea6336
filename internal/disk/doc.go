// Package disk reports how much room there is for files. It reserves none:
// another process may fill the disk right afterwards.
package disk
