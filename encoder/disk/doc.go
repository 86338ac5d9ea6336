// Package disk tells how much room there is for files.
package disk
