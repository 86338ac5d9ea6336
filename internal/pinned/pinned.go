package pinned

import (
	"os/exec"
	"runtime"
)

// Start starts a command from a thread that lasts as long as the process, and calls ended
// with the error of its Wait. Nothing is called when it cannot be started.
func Start(command *exec.Cmd, ended func(error)) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			ended(command.Wait())
		}
	}()
	return <-started
}
