// Package disk reports how much room there is for files.
package disk
