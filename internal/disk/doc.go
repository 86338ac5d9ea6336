// Package disk reports how much room there is for files, and tells that an error comes
// from a disk without room. It reserves none: another process may fill the disk right
// afterwards.
package disk
