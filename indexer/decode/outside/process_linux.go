package outside

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// program is this program, also when its file has been replaced meanwhile.
func program() (string, error) { return "/proc/self/exe", nil }

// processAttributes let a child die with its parent, whatever it is doing.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// widen makes pipes as large as ordinary users may have them: a picture then takes
// fewer turns of the two processes. Without it they work as well.
func widen(pipes ...*os.File) {
	const size = 1 << 20
	for _, pipe := range pipes {
		if raw, err := pipe.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size) })
		}
	}
}
