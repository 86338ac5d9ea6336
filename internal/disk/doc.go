// Package disk reports how much room there is for files, and tells that an error comes
// from a disk without room. What it says of room may be over at once: another process may
// fill the disk. A [Reserve] keeps some for deleting.
package disk
