//go:build !linux

package ort

// silence is for Linux, where OpenVINO's plugin changes the signal stack.
func silence() error { return nil }
