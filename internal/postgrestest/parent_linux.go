package postgrestest

import "syscall"

// diesWithParent stops Postgres also when the tests are killed or run out of
// time, which gives them no chance to stop it.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
}
