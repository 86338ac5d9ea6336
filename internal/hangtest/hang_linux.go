package hangtest

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// What is not answered.
const (
	Opening uint64 = unix.FAN_OPEN_PERM   // nor anything that comes after it
	Reading uint64 = unix.FAN_ACCESS_PERM // opening is
)

// Hang makes one kind of call to a file wait, in every process, until the test ends or
// release is called. It asks Linux for a say in who may do that, and never says a word.
// The test is skipped where only root of the machine may ask.
func Hang(t testing.TB, path string, what uint64) (release func()) {
	t.Helper()
	listener, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, uint(os.O_RDONLY))
	if err != nil {
		t.Skipf("no file can be made to hang here: %v", err)
	}
	file := os.NewFile(uintptr(listener), "fanotify") // closing it lets everybody go on
	t.Cleanup(func() { file.Close() })
	if err := unix.FanotifyMark(listener, unix.FAN_MARK_ADD, what, unix.AT_FDCWD, path); err != nil {
		t.Skipf("no file can be made to hang here: %v", err)
	}
	return func() { file.Close() }
}
