package ort

import "golang.org/x/sys/unix"

// silence keeps the signals that the Go runtime sends itself from this thread.
func silence() error {
	var signals unix.Sigset_t
	for _, signal := range []unix.Signal{unix.SIGURG, unix.SIGPROF} {
		signals.Val[0] |= 1 << (signal - 1)
	}
	return unix.PthreadSigmask(unix.SIG_BLOCK, &signals, nil)
}
