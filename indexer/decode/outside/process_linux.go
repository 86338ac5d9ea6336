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

// memoryFile is a file that is nowhere but in memory.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("polylens picture", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "polylens picture"), nil
}
