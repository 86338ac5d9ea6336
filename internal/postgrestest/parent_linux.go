package postgrestest

import "syscall"

// diesWithParent stops Postgres even when the tests are killed or run out of
// time and have no chance to stop it.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
}
