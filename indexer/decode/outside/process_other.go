//go:build !linux

package outside

import (
	"os"
	"syscall"
)

func program() (string, error) { return os.Executable() }

// processAttributes are none: a child notices itself that its parent is gone.
func processAttributes() *syscall.SysProcAttr { return nil }

// memoryFile is a file without a name.
func memoryFile() (*os.File, error) {
	file, err := os.CreateTemp("", "polylens-picture-*") //nolint:forbidigo // it is replaced by nothing
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}
