//go:build !linux

package outside

import (
	"os"
	"syscall"
)

func program() (string, error) { return os.Executable() }

// processAttributes are none: a child notices itself that its parent is gone.
func processAttributes() *syscall.SysProcAttr { return nil }

func widen(...*os.File) {}
