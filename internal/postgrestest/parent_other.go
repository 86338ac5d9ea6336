//go:build !linux

package postgrestest

import "syscall"

// diesWithParent does nothing: only Linux can.
func diesWithParent() *syscall.SysProcAttr { return new(syscall.SysProcAttr) }
