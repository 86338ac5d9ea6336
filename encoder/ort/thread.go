package ort

import "runtime"

// around calls f, which may load or unload the device's provider. OpenVINO's
// plugin for processors gives the thread that does so a signal stack too small
// for Go's handlers, so that thread gets no signals and ends with f.
func (d device) around(f func()) {
	if d.kind == OpenVINO {
		onItsOwnThread(f)
		return
	}
	f()
}

// onItsOwnThread calls f on a thread that gets no signals and ends with f.
func onItsOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // without unlocking it, the thread ends with the goroutine
		_ = silence()          // fails only for a wrong argument
		f()
	}()
	<-done
}
