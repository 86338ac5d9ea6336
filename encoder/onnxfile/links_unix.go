//go:build unix

package onnxfile

import (
	"io/fs"
	"syscall"
)

// hardLinks is the number of names that a file has.
func hardLinks(info fs.FileInfo) uint64 {
	if status, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(status.Nlink)
	}
	return 1
}
