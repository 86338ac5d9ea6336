package pinned

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// TestStart: a process outlives the threads that end while it runs.
func TestStart(t *testing.T) {
	command := exec.Command("sleep", "1")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ended := make(chan error, 1)
	if err := Start(command, func(err error) { ended <- err }); err != nil {
		t.Fatal(err)
	}
	var threads sync.WaitGroup
	for range 100 {
		threads.Go(func() {
			runtime.LockOSThread() // without unlocking it, the thread ends
			_ = syscall.Nanosleep(&syscall.Timespec{Nsec: 1e7}, nil)
		})
	}
	threads.Wait()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	err := Start(exec.Command("/no/such/program"), func(error) { t.Error("what was not started has ended") })
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a program that is not there: %v", err)
	}
}
